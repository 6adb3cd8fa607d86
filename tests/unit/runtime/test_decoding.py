from dataclasses import dataclass
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from projections.engine.ids import NO_CONTACT, personal_id
from projections.engine.topic_keys import contacts_key as key_of
from schemas.codec import encode
from schemas.events import Event
from schemas.topics import event_key
from services.runtime.decoding import decode_records
from tests.support.strategies import events


@dataclass(frozen=True)
class Record:
    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = 0


def id_of(tenant: str, contact_key: str) -> UUID:
    return personal_id(tenant.encode(), contact_key)


def record_of(event: Event) -> Record:
    return Record(event_key(event.tenant, event.contact.key if event.contact else None), encode(event))


@given(st.lists(events(), max_size=5))
def test_events_keep_their_order_and_get_the_ids_of_their_contacts(given_events: list[Event]) -> None:
    decoded = decode_records([record_of(event) for event in given_events], id_of, key_of)
    assert [one.event for one in decoded.events] == given_events
    assert [one.contact_id for one in decoded.events] == [
        id_of(event.tenant, event.contact.key) if event.contact else NO_CONTACT for event in given_events
    ]
    assert decoded.dead_letters == []


@given(st.lists(st.one_of(events().map(record_of), st.builds(Record, st.binary(max_size=9), st.binary(max_size=9)))))
def test_every_record_is_either_an_event_or_a_dead_letter(records: list[Record]) -> None:
    decoded = decode_records(records, id_of, key_of)
    assert len(decoded.events) + len(decoded.dead_letters) == len(records)
    assert all(any(letter.record is record for record in records) for letter in decoded.dead_letters)


@given(events(), st.binary(max_size=20))
def test_an_event_under_a_wrong_key_is_a_dead_letter(event: Event, key: bytes) -> None:
    right = record_of(event)
    decoded = decode_records([Record(key, right.value)], id_of, key_of)
    if event.contact is None or key == right.key:
        assert decoded.dead_letters == []  # an event without a contact may have any key
    else:
        assert [letter.reason for letter in decoded.dead_letters] == ["wrong_key"]


def test_a_tombstone_is_a_dead_letter() -> None:
    assert [letter.reason for letter in decode_records([Record(b"k", None)], id_of, key_of).dead_letters] == ["empty"]
