from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from starlette.types import Message, Receive, Scope, Send

from services.runtime.auditing import AuditEntry, AuditFull, AuditTrail, RequestAudit, note_ids, note_object, note_of
from tests.support.keys import KeptEntries

ROUTE = SimpleNamespace(unique_id="read_customer", path="/v1/customers/{customer}")


def an_entry() -> AuditEntry:
    return AuditEntry(uuid4(), "acme", datetime.now(UTC), "of_abcdef", "", "read", "GET /", None, (), 200)


def added(trail: AuditTrail, number: int) -> list[AuditEntry]:
    """Entries that were added to the trail."""
    entries = [an_entry() for _ in range(number)]
    for entry in entries:
        trail.reserve()
        trail.add(entry)
    return entries


async def test_every_entry_is_saved_once_and_in_order() -> None:
    kept = KeptEntries()
    trail = AuditTrail(kept)
    entries = added(trail, 1203)
    assert await trail.flush()
    assert await trail.flush()
    assert kept.entries == entries


async def test_what_can_t_be_saved_waits_and_is_saved_later() -> None:
    kept = KeptEntries()
    trail = AuditTrail(kept)
    entries = added(trail, 2)
    kept.failing = True
    assert not await trail.flush()
    kept.failing = False
    assert await trail.flush()
    assert kept.entries == entries


async def test_without_room_no_place_is_given_until_entries_are_saved() -> None:
    kept = KeptEntries()
    trail = AuditTrail(kept, most=3)
    added(trail, 2)
    trail.reserve()
    with pytest.raises(AuditFull):
        trail.reserve()
    await trail.flush()
    trail.reserve()
    trail.reserve()
    with pytest.raises(AuditFull):
        trail.reserve()


async def test_what_is_left_is_saved_when_the_process_stops() -> None:
    kept = KeptEntries()
    trail = AuditTrail(kept, every=3600)
    async with trail.running():
        entries = added(trail, 3)
    assert kept.entries == entries


async def nothing() -> Message:
    raise AssertionError


async def requested(app: RequestAudit, sent: list[Message]) -> None:
    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": "/"}, nothing, send)


async def test_a_request_is_recorded_with_what_was_noted_of_it_and_with_its_status() -> None:
    kept = KeptEntries()
    trail = AuditTrail(kept)
    ids = [UUID(int=number) for number in range(3)]

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        note = note_of(scope)
        assert note is not None
        note.begin(trail, "acme", "of_abcdef", "crm")
        scope["route"] = ROUTE
        note_object("phone")
        note_ids(ids[0], ids[1])
        note_ids(ids[1], ids[2])
        await send({"type": "http.response.start", "status": 404, "headers": [(b"a", b"b")]})

    sent: list[Message] = []
    await requested(RequestAudit(app), sent)
    await trail.flush()
    (entry,) = kept.entries
    assert (entry.tenant, entry.key_prefix, entry.key_name) == ("acme", "of_abcdef", "crm")
    assert (entry.action, entry.route) == ("read_customer", "GET /v1/customers/{customer}")
    assert (entry.named_by, entry.object_ids, entry.status) == ("phone", tuple(ids), 404)
    assert sent[0]["headers"] == [(b"a", b"b"), (b"x-request-id", str(entry.request_id).encode())]


async def test_a_request_that_breaks_is_recorded_as_failed() -> None:
    kept = KeptEntries()
    trail = AuditTrail(kept)

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        note = note_of(scope)
        assert note is not None
        note.begin(trail, "acme", "of_abcdef", "")
        raise LookupError

    with pytest.raises(LookupError):
        await requested(RequestAudit(app), [])
    await trail.flush()
    assert [entry.status for entry in kept.entries] == [500]


async def test_what_was_not_begun_is_not_recorded_and_ids_of_a_list_are_bounded() -> None:
    noted: list[UUID] = []

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        note = note_of(scope)
        assert note is not None
        note_object("contact", *(UUID(int=number) for number in range(1000)))
        noted.extend(note.object_ids)
        await send({"type": "http.response.start", "status": 200})

    await requested(RequestAudit(app), [])
    assert len(noted) == 10
    note_object("contact", UUID(int=1))  # outside of a request
