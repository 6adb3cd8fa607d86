"""Decode records: each becomes one event, or one dead letter with its reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

from projections.engine.ids import NO_CONTACT, IdOf
from projections.engine.projection import ContactEvent
from schemas.codec import InvalidEvent, InvalidReason, decode
from schemas.events import Event

CANNOT_BE_SAVED: Final = "cannot_be_saved"  # the reason of a dead letter that is an event
DeadReason = InvalidReason | Literal["cannot_be_saved"]
KeyOf = Callable[[Event], bytes | None]  # the key that an event's record must have; None: any


class KafkaRecord(Protocol):
    """The parts of a Kafka record that decoding reads."""

    @property
    def key(self) -> bytes | None:
        """The key's bytes."""

    @property
    def value(self) -> bytes | None:
        """The value's bytes."""

    @property
    def offset(self) -> int:
        """Its offset in the partition."""

    @property
    def timestamp(self) -> int:
        """When it was written, ms since the epoch."""


class OpenedRecord(NamedTuple):
    """A record that came ``sealed``, with the value that it has when it is opened. Its key was proven by that."""

    key: bytes | None
    value: bytes | None
    offset: int
    timestamp: int
    sealed: KafkaRecord


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that is not a valid event, with the reason."""

    record: KafkaRecord
    reason: DeadReason
    detail: str
    field: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """A chunk's records, each on exactly one of the two lists, but for those that were ``erased`` and can't be read."""

    events: list[ContactEvent]
    dead_letters: list[DeadLetter]
    erased: int = 0


def decode_records(records: Sequence[KafkaRecord], id_of: IdOf, key_of: KeyOf) -> Decoded:
    """Decode each record. One whose key differs from ``key_of(event)`` is a dead letter."""
    events: list[ContactEvent] = []
    dead_letters: list[DeadLetter] = []
    for record in records:
        try:
            events.append(_contact_event(record, id_of, key_of))
        except InvalidEvent as error:
            dead_letters.append(DeadLetter(as_it_came(record), error.reason, error.detail, error.field))
    return Decoded(events, dead_letters)


def as_it_came(record: KafkaRecord) -> KafkaRecord:
    """The record as it is in its topic."""
    return record.sealed if isinstance(record, OpenedRecord) else record


def _contact_event(record: KafkaRecord, id_of: IdOf, key_of: KeyOf) -> ContactEvent:
    event = decode(record.value)
    key = key_of(event)
    if key is not None and record.key != key and not isinstance(record, OpenedRecord):
        # The events of one key would lie in two partitions, and two writers would fold them at once.
        raise InvalidEvent("wrong_key", "the record's key is not the one that its topic gives to its event")
    return ContactEvent(id_of(event.tenant, event.contact.key) if event.contact else NO_CONTACT, event)
