"""Writes the records of a folder into topics, each into the partition and at the offset that it had.

Every file is checked before the first record is written. What is there already must be the beginning of what the
folder has: then the import goes on behind it, so one that was interrupted is repeated.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Final

from projections.engine.followed_topics import TopicIdentity
from schemas.topics import TOPICS
from services.logfiles.folder import check, locked, read_manifest, records_of
from services.logfiles.kafka import ATTEMPTS, RETRY_AFTER, LogMoved, RecordReader, open_writer, partition_of
from services.logfiles.manifest import NAME, ArchivedPartition, ArchivedTopic, LogFile, Manifest
from services.logfiles.record import LogRecord
from services.logfiles.replacing import forget_filling, note_filling, replace
from services.runtime.broker import BROKER_ERRORS, make_topic
from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings
from services.runtime.topic_ids import topic_identities
from services.vault.records import open_log_sealing, places_of

_PIECE: Final = 2000  # records


class CannotImport(ForeseenError):
    """The topics can't take the records as they were. The message says what to do."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """With ``renumber`` records may get other offsets, and topics other numbers of ``partitions``, if one is given.

    With ``replace`` topics that have nothing but what the files have are deleted first.
    """

    renumber: bool = False
    partitions: int | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What the folder has, how many records were written, and the topics now, by their names without the prefix."""

    manifest: Manifest
    written: int
    topics: dict[str, TopicIdentity]


async def import_folder(
    settings: Settings,
    folder: Path,
    options: ImportOptions,
    on_file: Callable[[LogFile], None],
    on_records: Callable[[int, int], None],
) -> Imported:
    """Check the folder, make topics that are missing, and write the records that they lack.

    Raises WrongFolder, CannotImport, LogMoved, BrokerRefused, a KafkaError.
    """
    with locked(folder):
        if not (folder / NAME).exists():
            raise CannotImport(
                f"{folder} has no {NAME}: it is another folder, or the file was lost. Restore it from another copy, or "
                "export anew into another folder. Nothing was imported."
            )
        manifest = read_manifest(folder)
        if not manifest.complete:
            raise CannotImport(f"The export into {folder} has not come to its end: run `onefold log export` again.")
        await asyncio.to_thread(check, folder, manifest, on_file)
        named = {_full_name(settings, short): one for short, one in manifest.topics.items()}
        if not options.renumber:
            for name, archived in named.items():
                _require_exact(name, archived)
        if options.replace:
            await replace(settings, folder, named)
        topics = {short: await _target(settings, short, one, options) for short, one in manifest.topics.items()}
        work = _Import(settings, folder, options, on_records)
        for short, archived in manifest.topics.items():
            await work.plan(_full_name(settings, short), archived, topics[short])
        return Imported(manifest, await work.run(), topics)


def _full_name(settings: Settings, short: str) -> str:
    return f"{settings.topic_prefix}.{short}"


async def _target(settings: Settings, short: str, archived: ArchivedTopic, options: ImportOptions) -> TopicIdentity:
    spec = next((one for one in TOPICS if one.name == short.partition(".")[0]), None)
    if spec is None:
        raise CannotImport(f"This version has no topic {short}.")
    name = _full_name(settings, short)
    had = len(archived.partitions)
    wanted = options.partitions if options.renumber and options.partitions and spec.partitions > 1 else had
    found = await topic_identities(settings.kafka_servers, [name])
    if name not in found:
        await make_topic(settings, name, spec, wanted)
        for _ in range(ATTEMPTS):
            found = await topic_identities(settings.kafka_servers, [name])
            if name in found:
                break
            await asyncio.sleep(RETRY_AFTER / ATTEMPTS)
        else:
            raise CannotImport(f"{name} could not be made, or this broker has no ids of topics.")
    if found[name].partitions != wanted:
        raise CannotImport(
            f"{name} has {found[name].partitions} partitions, and had {had}. If the files have all that is in it: "
            f"--replace. To spread the records by their keys: --renumber --partitions {found[name].partitions}."
        )
    return found[name]


def _require_exact(name: str, archived: ArchivedTopic) -> None:
    if archived.mixed:
        raise CannotImport(
            f"The files of {name} have the records of topics with different numbers of partitions, so one contact's "
            "may be in two of them. Spread them anew: --replace --renumber --partitions N, with the number that you "
            "want."
        )
    changed = [str(number) for number, one in archived.partitions.items() if not one.exact]
    if changed:
        raise CannotImport(
            f"The records of {name} can't have the offsets that they had, in partitions {', '.join(changed)}: earlier "
            "ones were deleted before the export, or offsets were left out. With --renumber they get other offsets; "
            "read models must be folded from the beginning then."
        )


class _Import:
    """An import whose files were checked and whose topics are there."""

    def __init__(
        self, settings: Settings, folder: Path, options: ImportOptions, on_records: Callable[[int, int], None]
    ) -> None:
        self._settings, self._folder, self._options, self._on_records = settings, folder, options, on_records
        self._work: list[tuple[str, ArchivedTopic, dict[int, int]]] = []
        self._total = self._written = 0

    async def plan(self, name: str, archived: ArchivedTopic, now: TopicIdentity) -> None:
        """Find where each partition of the topic goes on. Raises CannotImport if it has something else."""
        reader = RecordReader(self._settings)
        bounds = await reader.bounds(name, range(now.partitions))
        if self._options.renumber:
            if any(end for _, end in bounds.values()):
                raise CannotImport(f"{name} is not empty. If the files have all that is in it: --replace.")
            note_filling(self._folder, now.topic_id, name)
            starts = dict.fromkeys(archived.partitions, 0)
            self._total += archived.records
        else:
            starts = {
                number: await self._start(reader, (name, number), bounds[number], one)
                for number, one in archived.partitions.items()
            }
            self._total += sum(one.end - starts[number] for number, one in archived.partitions.items())
        self._work.append((name, archived, starts))

    async def run(self) -> int:
        """Write all that was planned; returns the number of records."""
        self._on_records(0, self._total)
        for name, archived, starts in self._work:
            if self._options.renumber:
                await self._spread(name, archived)
            else:
                for number, one in archived.partitions.items():
                    await self._continue(name, number, one, starts[number])
        forget_filling(self._folder)
        return self._written

    async def _start(
        self, reader: RecordReader, place: tuple[str, int], bounds: tuple[int, int], archived: ArchivedPartition
    ) -> int:
        """The next offset to write. What is before it must be what the files have."""
        (first, end), (name, number) = bounds, place
        known = min(end, archived.end)
        for offset in {0, known - 1} if known else ():
            there = await self._at(reader, place, offset) if offset >= first else None
            if there != next(self._records(archived, offset)):
                raise CannotImport(
                    f"{name}/{number} has other records than the folder: something else was written to it. Stop all "
                    f"services. To keep both: `onefold log export {self._folder} --append`, then `onefold log import "
                    f"{self._folder} --replace`. To lose what {name} has, delete it, and run the same command again."
                )
        return known

    async def _at(self, reader: RecordReader, place: tuple[str, int], offset: int) -> LogRecord | None:
        async with aclosing(reader.read(*place, offset, offset + 1)) as pieces:
            async for records in pieces:
                return records[0]
        return None

    def _records(self, archived: ArchivedPartition, start: int) -> Iterator[LogRecord]:
        for file in archived.files:
            if file.last >= start:
                yield from (one for one in records_of(self._folder, file) if one.offset >= start)

    async def _continue(self, name: str, number: int, archived: ArchivedPartition, start: int) -> None:
        """Write a partition from ``start``; where Kafka fails, go on behind what it has taken."""
        failed = 0
        while start < archived.end:
            try:
                async with open_writer(self._settings, name) as writer:
                    records = self._records(archived, start)
                    while piece := await asyncio.to_thread(lambda: list(islice(records, _PIECE))):  # noqa: B023 - awaited
                        offset = await writer.write(number, piece)
                        if offset != piece[0].offset:
                            raise LogMoved(
                                f"Something else writes to {name}/{number}. Stop all services, delete the topic, and "
                                "run the same command again."
                            )
                        start, failed = piece[-1].offset + 1, 0
                        self._note(len(piece))
            except BROKER_ERRORS:
                failed += 1
                if failed == ATTEMPTS:
                    raise
                await asyncio.sleep(RETRY_AFTER)
                start = await self._taken(name, number, start)

    async def _taken(self, name: str, number: int, start: int) -> int:
        try:
            now = (await RecordReader(self._settings).bounds(name, [number]))[number][1]
        except BROKER_ERRORS:
            return start
        self._note(max(0, now - start))
        return max(now, start)

    async def _spread(self, name: str, archived: ArchivedTopic) -> None:
        """Write the records by their keys and in the order of their times; those of one partition keep their order."""
        known = (await topic_identities(self._settings.kafka_servers, [name]))[name].partitions
        async with (
            open_log_sealing(self._settings, name="onefold-log") as sealing,
            open_writer(self._settings, name) as writer,
        ):
            records = in_order_of_time(self._records(one, 0) for one in archived.partitions.values())
            while piece := await asyncio.to_thread(lambda: list(islice(records, _PIECE))):
                by_place: dict[int, list[LogRecord]] = {}
                places = await places_of(sealing, [(one.key, one.value) for one in piece])
                for one, place in zip(piece, places, strict=True):
                    by_place.setdefault(partition_of(place, known), []).append(one)
                await asyncio.gather(*(writer.write(*each) for each in by_place.items()))
                self._note(len(piece))

    def _note(self, records: int) -> None:
        self._written += records
        self._on_records(records, self._total)


def in_order_of_time(partitions: Iterable[Iterator[LogRecord]]) -> Iterator[LogRecord]:
    """The records of all partitions; those of one keep their order, whatever their times.

    Where partitions had been added to a topic, a contact's records are in two of them: the earlier ones come first.
    """
    return merge(*partitions, key=lambda one: one.timestamp)
