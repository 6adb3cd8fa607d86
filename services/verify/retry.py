"""Sends refused records again: to the topic that they came from, byte for byte, if this code would take them now.

Each is marked in the topic of dead letters once Kafka has acknowledged it. Between the two the command may be killed:
then the record is sent once more, which changes nothing, since it is the same event.
"""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, NamedTuple

from projections.engine.topic_keys import contacts_key, evidence_key
from schemas.sealing import is_sealed
from schemas.topics import CHANNEL_EVENTS, DEAD_LETTERS, IDENTITY_EVIDENCE
from services.runtime.contact_ids import id_of
from services.runtime.decoding import KeyOf, decode_records
from services.runtime.publishing import Publisher, open_publisher
from services.runtime.settings import Settings
from services.vault.records import LogSealing, open_log_sealing
from services.verify.dead_letters import (
    EVERY_LETTER,
    LetterFilter,
    RecordPlace,
    RefusedRecord,
    dead_letters,
    each_once,
    mark_of,
)

_KEYS: Final[dict[str, KeyOf]] = {CHANNEL_EVENTS.name: contacts_key, IDENTITY_EVIDENCE.name: evidence_key}


@dataclass(frozen=True, slots=True)
class RetryOutcome:
    """What became of one record. ``detail`` is where it lies now, or why it would be refused again."""

    place: RecordPlace
    outcome: Literal["sent_again", "would_be_sent", "sent_before", "refused_again"]
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        return {**asdict(self), "place": str(self.place)}


class _Record(NamedTuple):
    key: bytes | None
    value: bytes | None
    offset: int
    timestamp: int


class _Sender(NamedTuple):
    """What records are sent by, and what opens them before, to see whether they would be taken."""

    publisher: Publisher
    sealing: LogSealing


class Retry:
    """Sends some refused records again; with ``dry_run`` it only says what it would do.

    With ``latest``, only so many of the topic's records are read.
    """

    def __init__(
        self, settings: Settings, master_key: str, *, dry_run: bool = False, latest: int | None = None
    ) -> None:
        self._settings = settings
        self._latest = latest
        self._id_of = id_of(master_key)
        self._dry_run = dry_run

    async def run(
        self, place: RecordPlace | None, choice: LetterFilter = EVERY_LETTER, *, most: int | None = None
    ) -> list[RetryOutcome]:
        """Retry the record at this place, or all that are chosen. Raises NotPublished if Kafka takes one no more.

        With ``most``, only the first so many of those that were not sent again.
        """
        found = await each_once(self._settings, choice, latest=self._latest)
        if most is not None:
            found = [one for one in found if one.sent_again_as is None][:most]
        chosen = {one.place: one for one in found if place in (None, one.place)}
        async with open_log_sealing(self._settings, name="onefold-retry") as sealing:
            if self._dry_run:
                return [await self._judged(one, chosen, sealing) async for one in self._with_values(chosen)]
            async with open_publisher(self._settings) as publisher:
                sender = _Sender(publisher, sealing)
                return [await self._retried(one, chosen, sender) async for one in self._with_values(chosen)]

    async def _with_values(self, chosen: dict[RecordPlace, RefusedRecord]) -> AsyncIterator[RefusedRecord]:
        left = set(chosen)
        async for one in dead_letters(self._settings, latest=self._latest):
            if one.place in left:
                left.remove(one.place)
                yield one

    async def _retried(
        self, one: RefusedRecord, chosen: dict[RecordPlace, RefusedRecord], sender: "_Sender"
    ) -> RetryOutcome:
        judged = await self._judged(one, chosen, sender.sealing)
        if judged.outcome != "would_be_sent":
            return judged
        # The key of a sealed record does not give its partition; a plain one may have been in a wrong one.
        partition = one.place.partition if is_sealed(one.value) else None
        sent = await sender.publisher.send(one.place.topic, one.key, one.value, partition=partition)
        now_at = RecordPlace(one.place.topic, *sent)
        key, headers = mark_of(one, now_at)
        await sender.publisher.send(DEAD_LETTERS.full_name(self._settings.topic_prefix), key, None, headers)
        return RetryOutcome(one.place, "sent_again", str(now_at))

    async def _judged(
        self, one: RefusedRecord, chosen: dict[RecordPlace, RefusedRecord], sealing: LogSealing
    ) -> RetryOutcome:
        if (before := chosen[one.place].sent_again_as) is not None:
            return RetryOutcome(one.place, "sent_before", str(before))
        if (why := await self._refusal(one, sealing)) is not None:
            return RetryOutcome(one.place, "refused_again", why)
        return RetryOutcome(one.place, "would_be_sent", "")

    async def _refusal(self, one: RefusedRecord, sealing: LogSealing) -> str | None:
        """Why the present code would refuse the record; None if it would take it."""
        key_of = self._key_of(one.place.topic)
        if key_of is None:
            return "no worker of this installation reads that topic"
        if one.left_out:
            return "the dead letter is without the record, which was too large for its topic"
        record = _Record(one.key, one.value, one.place.offset, one.sent_at)
        records, erased = await sealing.opened([record])
        if erased:
            return "the key of its contact was destroyed"
        letters = decode_records(records, self._id_of, key_of).dead_letters
        return f"{letters[0].reason}: {letters[0].detail}" if letters else None

    def _key_of(self, topic: str) -> KeyOf | None:
        """The rule for keys of the topic, which may be of any generation."""
        prefix = f"{self._settings.topic_prefix}."
        return _KEYS.get(topic.removeprefix(prefix).partition(".")[0]) if topic.startswith(prefix) else None
