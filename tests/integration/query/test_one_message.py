"""One message that several doors say something of: it is shown once, and counts once, in any order of arrival."""

from collections.abc import Sequence
from itertools import count, permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.timeline import queries
from schemas.events import Event
from tests.support.contact_records import event
from tests.support.examples import examples
from tests.support.read_api import Brand, id_of
from tests.support.strategies import BASE_MS

SENT, RECEIVED = "team.message_sent", "message.received"
MESSENGER = "facebook:page1:100"
_contacts = count()


def sent(event_id: str, at: int, contact: str = MESSENGER, message_id: str | None = "m1", **data: Any) -> Event:
    """A message of the team's."""
    fields = {"purpose": "conversation"} | data
    return event(SENT, at, contact=contact, event_id=event_id, message_id=message_id, **fields)


async def seen(brand: Brand, contact: str) -> tuple[list[dict[str, Any]], int | None, int | None]:
    """The timeline's events, and the times of the team's last interaction and marketing in ms after the beginning."""
    page = await brand.json(f"/v1/contacts/{contact.replace(':', '/')}/timeline", limit=200)
    row = await brand.connection.fetchrow(
        "SELECT last_team_at, last_marketing_at FROM contacts WHERE contact_id = $1", id_of(contact)
    )
    assert row is not None
    return page["events"], *(None if at is None else at - BASE_MS for at in row)


async def test_a_campaign_and_its_echo_are_one_broadcast(brand: Brand) -> None:
    """The times are the declared ones, and the declared message has the text and the attachments of the echo."""
    declared: dict[str, Any] = {"purpose": "broadcast", "campaign": "double11", "agent": "S1"}
    echo: dict[str, Any] = {"text": "新品上市", "payload": {"app_id": 7}, "echo": True}
    for order in permutations(range(3)):
        contact = f"{MESSENGER}{''.join(map(str, order))}"
        events = [
            sent("campaign:1", 500, contact, **declared),
            sent("facebook:m1", 900, contact, **echo),
            sent("facebook:m0", 100, contact, message_id="m0", text="hello", echo=True),
        ]
        for number in order:
            await brand.fold_contacts(events[number])
        (first, second), team, marketing = await seen(brand, contact)
        assert (team, marketing) == (100, 500)
        assert (first["event_id"], second["event_id"]) == ("campaign:1", "facebook:m0")
        assert first["data"] == {"message_id": "m1", **declared, "text": "新品上市", "payload": {"app_id": 7}}


async def test_what_the_sender_wrote_is_shown_rather_than_what_the_channel_made_of_it(brand: Brand) -> None:
    await brand.fold_contacts(sent("e", 1, text="made", echo=True), sent("d", 2, text="written", purpose="bot"))
    (shown,), team, marketing = await seen(brand, MESSENGER)
    assert (shown["data"]["text"], shown["data"]["purpose"]) == ("written", "bot")
    assert (team, marketing) == (None, None)


async def test_two_echoes_of_a_message_are_one(brand: Brand) -> None:
    await brand.fold_contacts(sent("e1", 5, echo=True), sent("e2", 7, echo=True))
    shown, team, _ = await seen(brand, MESSENGER)
    assert ([one["event_id"] for one in shown], team) == (["e1"], 5)


async def test_a_status_says_nothing_of_the_times(brand: Brand) -> None:
    contact = "whatsapp:n1:886911111111"
    await brand.fold_contacts(event("team.message_status", 9, contact=contact, message_id="w1", status="delivered"))
    await brand.fold_contacts(sent("api", 3, contact, message_id="w1", purpose="cart_remarketing"))
    shown, team, marketing = await seen(brand, contact)
    assert ([one["type"] for one in shown], team, marketing) == (["team.message_status", SENT], None, 3)


async def test_the_same_message_id_to_another_contact_is_another_message(brand: Brand) -> None:
    await brand.fold_contacts(sent("e", 5, echo=True), sent("d", 4, f"{MESSENGER}1", purpose="broadcast"))
    assert (await seen(brand, MESSENGER))[1] == 5


async def test_messages_without_an_id_are_each_their_own(brand: Brand) -> None:
    await brand.fold_contacts(sent("a", 1, message_id=None, echo=True), sent("b", 2, message_id=None))
    shown, team, _ = await seen(brand, MESSENGER)
    assert (len(shown), team) == (2, 2)


@pytest.mark.parametrize("type_name", [RECEIVED, SENT])
async def test_a_placeholder_gives_way_to_the_file_that_comes_later(brand: Brand, type_name: str) -> None:
    for order in ((0, 1), (1, 0)):
        contact = f"whatsapp:n1:88691111111{order[0]}"
        if type_name == SENT:
            events = [
                sent("w:placeholder", 3, contact, echo=True, payload={"type": "media_placeholder"}),
                sent("w", 3, contact, echo=True, payload={"type": "video", "video": {"id": "1"}}),
            ]
        else:
            placeholder: dict[str, Any] = {"event_id": "a", "message_id": "m1", "kind": "media_placeholder"}
            video: dict[str, Any] = {"event_id": "w", "message_id": "m1", "kind": "video", "text": "看"}
            events = [event(RECEIVED, 3, contact=contact, **one) for one in (placeholder, video)]
        for number in order:
            await brand.fold_contacts(events[number])
        (shown,), _, _ = await seen(brand, contact)
        assert shown["event_id"] == "w"


async def test_a_message_by_two_sources_is_shown_once(brand: Brand) -> None:
    webhook, history = (
        event(RECEIVED, at, contact=MESSENGER, event_id=event_id, message_id="m1", text="hi")
        for event_id, at in (("facebook:m1", 3), ("import:m1", 4))
    )
    await brand.fold_contacts(history)
    await brand.fold_contacts(webhook)
    assert [one["event_id"] for one in (await seen(brand, MESSENGER))[0]] == ["facebook:m1"]


async def test_pages_have_every_message_once(brand: Brand) -> None:
    for number in range(9):
        message_id = f"m{number}"
        await brand.fold_contacts(
            sent(f"d{number}", number * 2, message_id=message_id, purpose="broadcast"),
            sent(f"e{number}", 5 * number, message_id=message_id, echo=True),
        )
    found: list[str] = []
    after = queries.NEWEST
    ids = [id_of(MESSENGER)]
    while page := await queries.page(brand.connection, "demo", ids, after=after, limit=2, most_bytes=10**6):
        assert [one.more for one in page][:1] == [len(found) + 1 < 9]
        found += [one.event_id for one in page]
        after = page[-1].position
    assert found == [f"d{number}" for number in range(8, -1, -1)]


messages = st.lists(
    st.tuples(
        st.sampled_from(["conversation", "broadcast", "bot"]),
        st.integers(0, 5),
        st.sampled_from(["m1", "m2", None]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@given(drawn=messages, data=st.data())
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_in_any_order_the_times_are_those_of_the_messages_that_are_shown(
    brand: Brand, drawn: Sequence[tuple[str, int, str | None, bool]], data: st.DataObject
) -> None:
    contact = f"{MESSENGER}.{next(_contacts)}"
    events = [
        sent(f"e{number}", at, contact, message_id=message_id, purpose=purpose, echo=echo)
        for number, (purpose, at, message_id, echo) in enumerate(drawn)
    ]
    for one in data.draw(st.permutations(events)):
        await brand.fold_contacts(one)
    shown, team, marketing = await seen(brand, contact)
    by_id = {one.event_id: one for one in events}
    counted = [by_id[one["event_id"]] for one in shown]
    at = {
        purpose: max((one.occurred_at - BASE_MS for one in counted if one.data.purpose == purpose), default=None)  # type: ignore[union-attr]
        for purpose in ("conversation", "broadcast")
    }
    assert (team, marketing) == (at["conversation"], at["broadcast"])
    declared = {one.data.message_id for one in events if not one.data.echo}  # type: ignore[union-attr]
    assert all(not one.data.echo or one.data.message_id not in declared - {None} for one in counted)  # type: ignore[union-attr]
