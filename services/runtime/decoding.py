"""Records to events: each record is one event, or one dead letter with its reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from projections.engine.ids import NO_CONTACT, IdOf
from projections.engine.projection import ContactEvent
from schemas.codec import InvalidEvent, decode
from schemas.events import Event

KeyOf = Callable[[Event], bytes | None]  # the key that an event's record must have; None: any


class Record(Protocol):
    """What is read of a Kafka record."""

    @property
    def key(self) -> bytes | None:
        """The key's bytes."""

    @property
    def value(self) -> bytes | None:
        """The value's bytes."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that is no event, with why."""

    record: Record
    reason: str
    detail: str
    field: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """A chunk's records, each on exactly one of the two lists."""

    happened: list[ContactEvent]
    dead: list[DeadLetter]


def decode_records(records: Sequence[Record], id_of: IdOf, key_of: KeyOf) -> Decoded:
    """What the records say. One whose key is not ``key_of`` its event is a dead letter."""
    happened: list[ContactEvent] = []
    dead: list[DeadLetter] = []
    for record in records:
        try:
            happened.append(_happened(record, id_of, key_of))
        except InvalidEvent as error:
            dead.append(DeadLetter(record, error.reason, error.detail, error.field))
    return Decoded(happened, dead)


def _happened(record: Record, id_of: IdOf, key_of: KeyOf) -> ContactEvent:
    event = decode(record.value)
    key = key_of(event)
    if key is not None and record.key != key:
        # What one writer folds would lie in two partitions, and two would fold it at once.
        raise InvalidEvent("wrong_key", "the record's key is not the one that its topic gives to its event")
    return ContactEvent(id_of(event.tenant, event.contact.key) if event.contact else NO_CONTACT, event)
