"""Reads the topic of dead letters: each refused record once, however often workers sent it.

A worker that is killed between sending a dead letter and committing its offset sends it again. The record that was
refused identifies the letter: its topic, partition and offset, which are also the letter's key.

A refused record that was sent again is marked by one more record of the same key, with the headers ``topic``,
``partition`` and ``offset`` of the refused record and ``sent_again_as``, the place where it lies now. It has no
``reason``, so it is no dead letter.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Self

from schemas.topics import DEAD_LETTERS, IDENTITY_EVIDENCE
from services.runtime.settings import Settings
from services.vault.records import open_log_sealing
from services.verify.log_reader import LogReader

_MARK: Final = "sent_again_as"


class RecordPlace(NamedTuple):
    """Where the refused record lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return "/".join(map(str, self))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The place from TOPIC/PARTITION/OFFSET. Raises ValueError."""
        topic, partition, offset = text.split("/")
        if not (topic and partition.isdecimal() and offset.isdecimal()):
            raise ValueError(f"no TOPIC/PARTITION/OFFSET: {text!r}")
        return cls(topic, int(partition), int(offset))


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A dead letter: why its record was refused, when that was sent last (ms), and the record's key and value.

    ``times`` is how often it was sent. ``left_out`` says that the value is missing because Kafka refused its size, and
    ``sent_again_as`` where the record lies since `onefold dead-letters retry`. ``generations`` are those whose workers
    have refused it; None if not every worker has said which it works for.
    """

    place: RecordPlace
    reason: str
    detail: str
    field: str
    sent_at: int
    times: int
    key: bytes | None
    value: bytes | None
    left_out: bool = False
    sent_again_as: RecordPlace | None = None
    generations: frozenset[str] | None = None

    def refused_in(self, generation: str) -> bool:
        """Whether workers of the generation have refused the record, as far as is known."""
        return self.generations is None or generation in self.generations

    @property
    def tenant(self) -> str:
        """The tenant by the record's key, as every writer of ours forms it; empty if the key has another form."""
        tenant, bar, _ = (self.key or b"").partition(b"|")
        is_whole_key = IDENTITY_EVIDENCE.name in self.place.topic.split(".")
        return tenant.decode("utf-8", "replace") if bar or is_whole_key else ""

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object, without the record itself, which may have identifiers."""
        return {
            **self.place._asdict(),
            "tenant": self.tenant,
            "reason": self.reason,
            "detail": self.detail,
            "field": self.field,
            "sent_at": self.sent_at,
            "times": self.times,
            "sent_again_as": str(self.sent_again_as) if self.sent_again_as else None,
        }


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which dead letters are meant: those that all given values fit. ``since`` and ``until`` are ms, both inclusive."""

    reason: str | None = None
    topic: str | None = None
    tenant: str | None = None
    since: int | None = None
    until: int | None = None

    def __bool__(self) -> bool:
        return self != EVERY_LETTER

    def includes(self, one: RefusedRecord) -> bool:
        """Whether the dead letter is meant; its time is that at which it was sent last."""
        wanted = ((self.reason, one.reason), (self.topic, one.place.topic), (self.tenant, one.tenant))
        in_time = (self.since is None or self.since <= one.sent_at) and (
            self.until is None or one.sent_at <= self.until
        )
        return in_time and all(value in (None, found) for value, found in wanted)


EVERY_LETTER: Final = LetterFilter()


async def dead_letters(settings: Settings, *, latest: int | None = None) -> AsyncIterator[RefusedRecord]:
    """Every record of the topic that is a dead letter, in their order, repeats included.

    ``sent_again_as`` is not known here.
    """
    async for one in _letters_and_marks(settings, latest):
        if isinstance(one, RefusedRecord):
            yield one


async def each_once(
    settings: Settings, choice: LetterFilter = EVERY_LETTER, *, latest: int | None = None
) -> list[RefusedRecord]:
    """Each refused record that is meant once, without its value, the one that was sent last at the end.

    With ``latest``, only so many of the topic's records are read, and so in the other functions.
    """
    found: dict[RecordPlace, RefusedRecord] = {}
    sent_again: dict[RecordPlace, RecordPlace] = {}
    async for one in _letters_and_marks(settings, latest):
        if isinstance(one, _SentAgain):
            sent_again[one.place] = one.now_at
        elif choice.reason in {None, one.reason}:  # also if it was refused for another one later
            before = found.pop(one.place, None)
            found[one.place] = replace(_repeated(one, before), value=None)
    chosen = (one for one in found.values() if choice.includes(one))
    return [replace(one, sent_again_as=sent_again.get(one.place)) for one in chosen]


async def find(settings: Settings, place: RecordPlace, *, latest: int | None = None) -> RefusedRecord | None:
    """The dead letter of the record at this place, with its value; None if there is none."""
    found: RefusedRecord | None = None
    sent_again: RecordPlace | None = None
    async for one in _letters_and_marks(settings, latest):
        if one.place != place:
            continue
        if isinstance(one, _SentAgain):
            sent_again = one.now_at
        else:
            found = _repeated(one, found)
    return replace(found, sent_again_as=sent_again) if found else None


async def opened_value(settings: Settings, one: RefusedRecord) -> bytes | None:
    """The record's value, opened if it can be; None if the key of its contact was destroyed."""
    async with open_log_sealing(settings, name="onefold-dead-letters") as sealing:
        (value,) = await sealing.opened_values([(one.key, one.value)])
        return value


def mark_of(one: RefusedRecord, now_at: RecordPlace) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The key and the headers of the record that marks the refused record as sent again."""
    place = {name: str(value).encode() for name, value in one.place._asdict().items()}
    return str(one.place).encode(), [*place.items(), (_MARK, str(now_at).encode())]


class _SentAgain(NamedTuple):
    """The refused record at ``place`` was sent again, and lies at ``now_at``."""

    place: RecordPlace
    now_at: RecordPlace


async def _letters_and_marks(settings: Settings, latest: int | None) -> AsyncIterator[RefusedRecord | _SentAgain]:
    reader = LogReader(settings.kafka_servers, lambda _: None)
    async for _, records in reader.records(DEAD_LETTERS.full_name(settings.topic_prefix), latest=latest):
        for record in records:
            if (found := _parsed(record)) is not None:
                yield found


def _repeated(one: RefusedRecord, before: RefusedRecord | None) -> RefusedRecord:
    """The refused record after one more letter."""
    if before is None:
        return one
    known = None if one.generations is None or before.generations is None else one.generations | before.generations
    return replace(one, times=1 + before.times, generations=known)


def _parsed(record: Any) -> RefusedRecord | _SentAgain | None:
    """What a record of the topic says; None if somebody else wrote it."""
    headers: Mapping[str, bytes] = dict(record.headers)
    text = {name: value.decode("utf-8", "replace") for name, value in headers.items() if name != "key"}
    try:
        place = RecordPlace(text["topic"], int(text["partition"]), int(text["offset"]))
        if _MARK in text:
            return _SentAgain(place, RecordPlace.parse(text[_MARK]))
        reason, detail, field = text["reason"], text["detail"], text["field"]
    except (KeyError, ValueError):
        return None
    key, left_out = headers.get("key"), "left_out" in text
    generations = frozenset({text["generation"]}) if "generation" in text else None
    return RefusedRecord(
        place, reason, detail, field, record.timestamp, 1, key, record.value, left_out, generations=generations
    )
