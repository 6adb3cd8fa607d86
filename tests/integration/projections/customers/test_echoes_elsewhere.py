"""What is sent to one contact of an address and echoed to another is one message, in any order of arrival."""

from random import Random
from typing import Any, Final
from uuid import UUID

import orjson
import pytest

from projections.customers.composing import compose_some
from projections.customers.queries import addresses_among, load_contact, load_customer
from projections.customers.tables import CUSTOMER_CONTACTS, CUSTOMER_ROWS
from projections.engine.queries import all_rows
from projections.identity.resolutions import active_resolution, policy_of
from projections.timeline import team_times
from projections.timeline.queries import page
from schemas.events import Event
from tests.support.identity_events import T0, event, seen
from tests.support.past import REGION, FoldedGeneration
from tests.support.streams import id_of

NUMBER, BSUID, OTHER = "whatsapp:n1:886911111111", "whatsapp:n1:TW.1", "whatsapp:n1:886922222222"
_ORDERS: Final = 4


def sent(contact: str, at: int, event_id: str, **data: Any) -> Event:
    return event(contact, "team.message_sent", {"purpose": "conversation"} | data, at=at, event_id=event_id)


def a_person() -> list[Event]:
    """A number and a BSUID that are one address, and somebody else."""
    one = {"whatsapp_user": "p:TW.1"}
    return [seen(NUMBER, at=0, phone="+886911111111", **one), seen(BSUID, at=1, **one), seen(OTHER, at=1)]


def told(declared_on: str, echoed_on: str) -> tuple[list[Event], Event]:
    """What is sent, and the echo of the last of it, which comes to the other contact."""
    real = [
        sent(echoed_on, 3, "e0", message_id="m0", text="hello", echo=True),
        sent(declared_on, 5, "d1", message_id="m1", purpose="broadcast", campaign="double11"),
        event(echoed_on, "team.message_status", {"message_id": "m1", "status": "read"}, at=7, event_id="s1"),
        sent(declared_on, 8, "d2", message_id="m2", purpose="cart_remarketing", text="later"),
        sent(OTHER, 2, "x1", message_id="m1", purpose="broadcast"),
    ]
    return real, sent(echoed_on, 9, "e1", message_id="m1", text="新品上市", echo=True)


@pytest.mark.parametrize(("declared_on", "echoed_on"), [(NUMBER, BSUID), (BSUID, NUMBER)])
async def test_the_echo_says_nothing_of_its_own(generation: Any, declared_on: str, echoed_on: str) -> None:
    real, echo = told(declared_on, echoed_on)
    real += a_person()
    expected = await after(generation, real)
    assert expected.times == (T0 + 3, T0 + 8)
    assert [one["event_id"] for one in expected.timeline][:4] == ["d2", "s1", "d1", "e0"]
    expected.timeline[2]["data"] |= {"text": "新品上市"}  # which the declaration lacks
    chance = Random(1)
    late = [one for one in real if one.event_id != "d1"]  # the declaration comes last, and moves no time of its contact
    orders = [[*late, echo, real[1]], *(chance.sample([*real, echo], len(real) + 1) for _ in range(_ORDERS))]
    for number, events in enumerate(orders):
        found = await after(generation, events, chunk=len(events) if number % 2 else 1)
        assert found.rows == expected.rows, [one.event_id for one in events]
        assert (found.times, found.own, found.timeline) == (expected.times, expected.own, expected.timeline)


async def test_an_echo_to_a_stranger_is_a_message_of_its_own(generation: Any) -> None:
    echo = sent(OTHER, 9, "e1", message_id="m1", echo=True)
    found = await after(generation, [*a_person(), sent(NUMBER, 5, "d1", message_id="m1", purpose="broadcast"), echo])
    assert found.times == (None, T0 + 5)
    assert await times_of(generation, OTHER) == (T0 + 9, None)


async def test_the_search_for_what_counts_is_bounded(generation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [*a_person(), sent(BSUID, 2, "e0", message_id="m0", echo=True)]
    for number in range(1, 4):
        events.append(sent(NUMBER, 3 * number, f"d{number}", message_id=f"m{number}", purpose="broadcast"))
        events.append(sent(BSUID, 3 * number + 1, f"e{number}", message_id=f"m{number}", echo=True))
    assert (await after(generation, events)).own == {NUMBER: (None, T0 + 9), BSUID: (T0 + 2, None)}

    monkeypatch.setattr(team_times, "_TEAM_TIMES", team_times._team_times_statement(most=3))
    assert (await times_of(generation, BSUID)) == (None, None)
    monkeypatch.setattr(team_times, "_TEAM_TIMES", team_times._team_times_statement(most=4))
    assert (await times_of(generation, BSUID)) == (T0 + 2, None)


class Seen:
    """What readers see of the person: composed rows, the customer's times, each contact's, and the timeline."""

    rows: list[Any]
    times: tuple[int | None, int | None]
    own: dict[str, tuple[int | None, int | None]]
    timeline: list[dict[str, Any]]


async def after(connection: Any, events: list[Event], chunk: int = 40) -> Seen:
    """What is seen once these events are folded, with rows composed now and then."""

    async def compose() -> None:
        more = True
        while more:
            async with connection.transaction(isolation="repeatable_read"):
                more = await compose_some(connection, "demo", REGION)

    await FoldedGeneration(connection, id_of).fold(events, chunk=chunk, between=compose)
    found = Seen()
    active = await active_resolution(connection, "demo")
    policy, number = policy_of(active, REGION), id_of("demo", NUMBER)
    async with connection.transaction():
        tables: list[Any] = [await all_rows(connection, one) for one in (CUSTOMER_ROWS, CUSTOMER_CONTACTS)]
    found.rows = [without_lists(row) for rows in tables for _, row in sorted(rows.items())]
    loaded = await load_customer(connection, active.key, policy, number)
    assert loaded is not None
    (row,) = (one for one in tables[0].values() if one.customer_id == loaded.identity.customer_id)
    found.times = (row.last_team_at, row.last_marketing_at)
    found.own = {one: await times_of(connection, one) for one in (NUMBER, BSUID)}
    addresses = await addresses_among(connection, active.key, policy, number)
    ids = [id_of("demo", NUMBER), id_of("demo", BSUID)]
    entries = await page(connection, "demo", ids, limit=20, most_bytes=10**6, addresses=addresses)
    alone = [
        one.event_id
        for contact_id in ids
        for one in await page(connection, "demo", [contact_id], limit=20, most_bytes=10**6, addresses=addresses)
    ]
    assert sorted(alone) == sorted(one.event_id for one in entries)
    found.timeline = [{"event_id": one.event_id, "data": orjson.loads(one.data)} for one in entries]
    return found


def without_lists(row: Any) -> Any:
    return type(row)(*(tuple(one) if isinstance(one, list) else one for one in row))


async def times_of(connection: Any, contact: str) -> tuple[int | None, int | None]:
    """A contact's own times, as its page has them."""
    active, contact_id = await active_resolution(connection, "demo"), id_of("demo", contact)
    loaded = await load_contact(connection, active.key, policy_of(active, REGION), contact_id)
    assert loaded is not None
    (row,) = (one.record.contact for one in loaded.contacts if one.record.contact.contact_id == UUID(str(contact_id)))
    return row.last_team_at, row.last_marketing_at
