"""Messages that were edited or unsent, in any order of arrival: a timeline shows their final content."""

from collections.abc import Sequence
from itertools import count, permutations
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.timeline import queries
from schemas.events import Event
from tests.support.contact_records import event
from tests.support.read_api import Brand, id_of

PATH = "/v1/contacts/line/oa1/{uid}/timeline"
RECEIVED, EDITED, UNSENT, SENT = "message.received", "message.edited", "message.unsent", "team.message_sent"
_uids = count()


def message(type_name: str, at: int, uid: str = "U1", message_id: str | None = "m1", **data: Any) -> Event:
    """A message of the contact's, or what happened to one."""
    purpose = {"purpose": "conversation"} if type_name == SENT else {}
    return event(
        type_name, at, contact=f"line:oa1:{uid}", event_id=f"{type_name}@{at}", message_id=message_id, **purpose, **data
    )


async def shown(brand: Brand, uid: str = "U1") -> dict[str, Any]:
    """Each event's data by its id."""
    page = await brand.json(PATH.format(uid=uid), limit=200)
    return {one["event_id"]: one["data"] for one in page["events"]}


async def test_an_unsent_message_shows_nothing_in_whatever_order_it_came(brand: Brand) -> None:
    kept = {"message_id": "m1", "kind": "text", "unsent": True}
    for order in permutations(range(4)):
        uid = f"U{order}"
        events = [
            message(RECEIVED, 1, uid, text="my card number", payload={"quoted": "my card number"}),
            message(EDITED, 2, uid, text="my card number!"),
            message(UNSENT, 3, uid, kind="unknown", payload={"was": "my card number"}),
            message(EDITED, 4, uid, text="my card number?"),
        ]
        for number in order:
            await brand.fold_contacts(events[number])
        assert await shown(brand, uid) == {
            "message.received@1": kept,
            "message.edited@2": kept,
            "message.unsent@3": kept | {"kind": "unknown"},
            "message.edited@4": kept,
        }


async def test_an_edited_message_reads_as_it_was_last_edited(brand: Brand) -> None:
    await brand.fold_contacts(message(EDITED, 5, text="third", payload={"emojis": 1}))
    await brand.fold_contacts(message(RECEIVED, 1, text="first"), message(EDITED, 3, text="second"))
    latest = {"message_id": "m1", "kind": "text", "text": "third", "payload": {"emojis": 1}, "edited": True}
    assert await shown(brand) == dict.fromkeys(("message.received@1", "message.edited@3", "message.edited@5"), latest)


async def test_a_team_message_that_was_unsent_shows_no_content_and_keeps_its_purpose(brand: Brand) -> None:
    await brand.fold_contacts(message(SENT, 1, text="wrong price"), message(UNSENT, 2))
    assert (await shown(brand))["team.message_sent@1"] == {
        "purpose": "conversation",
        "message_id": "m1",
        "unsent": True,
    }


async def test_other_messages_are_left_alone(brand: Brand) -> None:
    await brand.fold_contacts(
        message(UNSENT, 9),
        message(RECEIVED, 1, message_id="m2", text="another message"),
        message(RECEIVED, 2, message_id=None, text="of no id"),
        message(RECEIVED, 3, uid="U2", text="another's"),
    )
    texts = [data.get("text") for uid in ("U1", "U2") for data in (await shown(brand, uid)).values()]
    assert {"another message", "of no id", "another's"} <= set(texts)


async def test_an_unsent_message_is_hidden_in_the_customers_timeline_too(brand: Brand) -> None:
    await brand.fold(message(RECEIVED, 1, text="secret"), message(UNSENT, 2))
    page = await brand.json("/v1/customers/contact:line:oa1:U1/timeline")
    assert "secret" not in orjson.dumps(page).decode()


async def test_the_stored_event_keeps_its_text_for_the_folds(brand: Brand) -> None:
    await brand.fold_contacts(message(RECEIVED, 1, text="kept"), message(UNSENT, 2))
    row = await brand.connection.fetchval("SELECT data ->> 'text' FROM timeline WHERE type = 'message.received'")
    assert row == "kept"


@pytest.mark.parametrize("page_bytes", [5000])
async def test_edits_larger_than_the_messages_do_not_make_a_page_too_large(brand: Brand) -> None:
    for number in range(6):
        await brand.fold_contacts(
            message(RECEIVED, number, message_id=f"m{number}", text="small"),
            message(EDITED, 100 + number, message_id=f"m{number}", text="x" * 2000),
        )
    page = await brand.json(PATH.format(uid="U1"))
    assert len(page["events"]) == 3
    assert page["next"]


changes = st.lists(
    st.tuples(
        st.sampled_from([RECEIVED, EDITED, UNSENT, SENT]), st.integers(0, 5), st.sampled_from(["m1", "m2", None])
    ),
    min_size=2,
    max_size=12,
)


@given(changes=changes, data=st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_in_any_order_of_events_each_message_shows_its_final_content(
    brand: Brand, changes: list[tuple[str, int, str | None]], data: st.DataObject
) -> None:
    uid = f"U{next(_uids)}"
    events = [
        event(
            kind,
            at,
            contact=f"line:oa1:{uid}",
            event_id=f"e{number}",
            message_id=message_id,
            text=f"text {number}",
            **({"purpose": "bot"} if kind == SENT else {}),
        )
        for number, (kind, at, message_id) in enumerate(changes)
    ]
    for one in data.draw(st.permutations(events)):
        await brand.fold_contacts(one)
    entries = await queries.page(brand.connection, "demo", [id_of(f"line:oa1:{uid}")], limit=100, most_bytes=10**6)
    assert {one.event_id: orjson.loads(one.data).get("text") for one in entries} == _expected(events)


def _expected(events: Sequence[Event]) -> dict[str, str | None]:
    """The text of each event's row, by the rule as people would say it."""
    texts: dict[str, str | None] = {}
    for one in events:
        about: Any = one.data
        same = [other for other in events if about.message_id and _message_id(other) == about.message_id]
        earlier = [other for other in same if other.type == one.type and other.stamp < one.stamp]
        if earlier and one.type in {RECEIVED, SENT}:
            continue  # the message is shown once
        edits = sorted((other for other in same if other.type == EDITED), key=lambda other: other.stamp)
        texts[one.event_id] = about.text
        if edits and one.type != SENT:
            texts[one.event_id] = edits[-1].data.text  # type: ignore[union-attr]
        if any(other.type == UNSENT for other in same):
            texts[one.event_id] = None
    return texts


def _message_id(one: Event) -> str | None:
    message_id: str | None = one.data.message_id  # type: ignore[union-attr]
    return message_id
