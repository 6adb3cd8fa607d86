"""Laws of records: a sealed log is read as the plain one, but for whose keys were destroyed."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, NamedTuple, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.engine.topic_keys import contacts_key, evidence_key
from schemas.events import Event
from schemas.subjects import contact_subject
from services.runtime.decoding import Decoded, decode_records
from services.vault.records import EncodedEvent, KeysNotSet, LogSealing, PlainLog, RecordToSend, places_of
from tests.support.contact_records import event
from tests.support.keys_in_memory import KeysInMemory, id_of, sealed_log
from tests.support.strategies import CONTACTS, events

T = TypeVar("T")
lists = st.lists(events(), max_size=6)


class LogRecordTwin(NamedTuple):
    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = 0


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def sent(sealing: LogSealing, events_: Sequence[Event], *, evidence: bool = False) -> list[RecordToSend]:
    encoded = [EncodedEvent.of(one) for one in events_]
    return await (sealing.evidence_records if evidence else sealing.channel_records)(encoded)


def in_log(records: Sequence[RecordToSend]) -> list[LogRecordTwin]:
    return [LogRecordTwin(one.key, one.value, offset) for offset, one in enumerate(records)]


async def read(sealing: LogSealing, records: Sequence[Any], key_of: Any = contacts_key) -> tuple[Decoded, int]:
    opened, erased = await sealing.opened(records)
    return decode_records(opened, id_of, key_of), erased


@given(lists, lists, st.booleans())
def test_a_log_that_is_sealed_in_part_is_read_as_the_plain_one(
    plain: list[Event], sealed: list[Event], evidence: bool
) -> None:
    async def law() -> None:
        key_of = evidence_key if evidence else contacts_key
        log = sealed_log(KeysInMemory())
        before = await sent(PlainLog(), [*plain, *sealed], evidence=evidence)
        after = before[: len(plain)] + await sent(log, sealed, evidence=evidence)
        assert await read(log, in_log(after), key_of) == await read(PlainLog(), in_log(before), key_of)
        assert [one.place for one in after] == [one.place for one in before]
        assert await places_of(log, [one[:2] for one in after]) == [one.place for one in before]

    run(law())


@given(lists, st.sampled_from([one.key for one in CONTACTS]))
def test_of_an_erased_contact_nothing_is_read_but_its_erasure_under_its_own_id(
    given_events: list[Event], erased: str
) -> None:
    async def law() -> None:
        keys = KeysInMemory()
        log = sealed_log(keys)
        records = in_log(await sent(log, given_events))
        keys.destroy("demo", contact_subject(erased))
        decoded, number = await read(log, records)
        assert decoded.dead_letters == []
        assert len(decoded.events) + number == len(given_events)
        own = [one for one in given_events if one.tenant == "demo" and one.contact and one.contact.key == erased]
        left = [one for one in decoded.events if one.contact_id == id_of("demo", erased) and one.event.contact]
        assert len(left) == sum(one.type == "contact.erased" for one in own)
        assert all(one.event.contact and one.event.contact.key != erased for one in left)

    run(law())


def test_a_contacts_sealed_records_have_one_key_that_does_not_name_it() -> None:
    async def check() -> None:
        log = sealed_log(KeysInMemory())
        phone = "whatsapp:n1:886911111111"
        first, second, other = await sent(
            log,
            [
                event("contact.blocked", 1, contact=phone),
                event("contact.erased", 2, contact=phone, request_id="r"),
                event("contact.blocked", 3),
            ],
        )
        assert first.key == second.key != other.key
        assert first.key.startswith(b"demo|")
        assert b"886911111111" not in first.key + first.value + second.value
        assert first.place == second.place == f"demo|{phone}".encode()

    run(check())


def test_a_record_whose_key_is_missing_is_a_dead_letter_as_it_came() -> None:
    async def check() -> None:
        keys = KeysInMemory()
        log = sealed_log(keys)
        records = in_log(await sent(log, [event("contact.blocked"), event("contact.blocked", 2)]))
        moved = [records[0]._replace(key=b"demo|another")]
        decoded, erased = await read(log, moved)
        assert ([one.reason for one in decoded.dead_letters], erased) == (["sealed"], 0)
        assert decoded.dead_letters[0].record is moved[0]
        keys.lose()
        decoded, erased = await read(log, records)
        assert ([one.reason for one in decoded.dead_letters], erased) == (["sealed"] * 2, 0)

    run(check())


def test_what_is_no_event_once_it_is_opened_is_a_dead_letter_as_it_came() -> None:
    async def check() -> None:
        log = sealed_log(KeysInMemory())
        (record,) = await log.channel_records([EncodedEvent(event("contact.blocked"), b"{}")])
        decoded, _ = await read(log, in_log([record]))
        assert [(one.reason, one.record.value) for one in decoded.dead_letters] == [("invalid_field", record.value)]

    run(check())


def test_without_keys_a_sealed_log_is_not_read_at_all() -> None:
    async def check() -> None:
        records = in_log(await sent(sealed_log(KeysInMemory()), [event("contact.blocked")]))
        with pytest.raises(KeysNotSet):
            await PlainLog().opened(records)
        with pytest.raises(KeysNotSet):
            await PlainLog().opened_values([(one.key, one.value) for one in records])

    run(check())
