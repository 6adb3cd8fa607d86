"""Reads the topic of dead letters: each refused record once, however often workers sent it.

A worker that is killed between sending a dead letter and committing its offset sends it again. The record that was
refused identifies the letter: its topic, partition and offset, which are also the letter's key.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from schemas.topics import DEAD_LETTERS
from services.runtime.settings import Settings
from services.verify.log_reader import LogReader


class Place(NamedTuple):
    """Where the refused record lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return "/".join(map(str, self))


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A dead letter: why its record was refused, when that was sent last (ms), and the record's key and value.

    ``times`` is how often it was sent.
    """

    place: Place
    reason: str
    detail: str
    field: str
    sent_at: int
    times: int
    key: bytes | None
    value: bytes | None

    @property
    def tenant(self) -> str:
        """The tenant by the record's key, as every writer of ours forms it; empty if there is none."""
        return (self.key or b"").partition(b"|")[0].decode("utf-8", "replace")

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object, without the record itself, which may have identifiers."""
        return {
            **self.place._asdict(),
            "reason": self.reason,
            "detail": self.detail,
            "field": self.field,
            "sent_at": self.sent_at,
            "times": self.times,
        }


async def dead_letters(settings: Settings) -> AsyncIterator[RefusedRecord]:
    """Every record of the topic that is a dead letter, in their order, repeats included."""
    reader = LogReader(settings.kafka_servers, lambda _: None)
    async for _, records in reader.records(DEAD_LETTERS.full_name(settings.topic_prefix)):
        for record in records:
            if (found := _refused(record)) is not None:
                yield found


async def each_once(settings: Settings, *, reason: str | None = None) -> list[RefusedRecord]:
    """Every refused record once, without its value, the one that was sent last at the end."""
    found: dict[Place, RefusedRecord] = {}
    async for one in dead_letters(settings):
        if reason in (None, one.reason):
            before = found.pop(one.place, None)
            found[one.place] = _repeated(one, before, value=None)
    return list(found.values())


async def find(settings: Settings, place: Place) -> RefusedRecord | None:
    """The dead letter of the record at this place, with its value; None if there is none."""
    found = None
    async for one in dead_letters(settings):
        if one.place == place:
            found = _repeated(one, found, value=one.value)
    return found


def _repeated(one: RefusedRecord, before: RefusedRecord | None, *, value: bytes | None) -> RefusedRecord:
    times = 1 + (before.times if before else 0)
    return RefusedRecord(one.place, one.reason, one.detail, one.field, one.sent_at, times, one.key, value)


def _refused(record: Any) -> RefusedRecord | None:
    """The dead letter in a record of the topic; None if somebody else wrote it."""
    headers: Mapping[str, bytes] = dict(record.headers)
    text = {name: value.decode("utf-8", "replace") for name, value in headers.items() if name != "key"}
    try:
        place = Place(text["topic"], int(text["partition"]), int(text["offset"]))
        return RefusedRecord(
            place, text["reason"], text["detail"], text["field"], record.timestamp, 1, headers.get("key"), record.value
        )
    except (KeyError, ValueError):
        return None
