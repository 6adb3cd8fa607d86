"""Records to events: each record is one event, or one dead letter with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass

from projections.engine.ids import NO_CONTACT
from projections.engine.projection import Happened
from schemas.codec import InvalidEvent, decode
from services.runtime.chunk import Record
from services.runtime.work import IdOf, KeyOf


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

    happened: list[Happened]
    dead: list[DeadLetter]


def decode_records(records: Sequence[Record], id_of: IdOf, key_of: KeyOf) -> Decoded:
    """What the records say. One whose key is not ``key_of`` its event is a dead letter."""
    happened: list[Happened] = []
    dead: list[DeadLetter] = []
    for record in records:
        try:
            happened.append(_happened(record, id_of, key_of))
        except InvalidEvent as error:
            dead.append(DeadLetter(record, error.reason, error.detail, error.field))
    return Decoded(happened, dead)


def _happened(record: Record, id_of: IdOf, key_of: KeyOf) -> Happened:
    event = decode(record.value)
    key = key_of(event)
    if key is not None and record.key != key:
        # What one writer folds would lie in two partitions, and two would fold it at once.
        raise InvalidEvent("wrong_key", "the record's key is not the one that its topic gives to its event")
    return Happened(id_of(event.tenant, event.contact.key) if event.contact else NO_CONTACT, event)
