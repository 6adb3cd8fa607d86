"""Writes what a folder does not have yet: up to the ends of the partitions at the start of the export."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Final

from services.logfiles.folder import (
    FILE_BYTES,
    FileWriter,
    WrongFolder,
    clean,
    locked,
    prepare,
    read_manifest,
    records_of,
    write_manifest,
)
from services.logfiles.kafka import RecordReader
from services.logfiles.manifest import ArchivedPartition, ArchivedTopic, Manifest
from services.runtime.broker import topics_of
from services.runtime.settings import Settings
from services.runtime.topic_ids import topic_identities

_NO_IDS: Final = "This broker has no ids of topics; Apache Kafka has them since 3.1."


async def export(  # noqa: PLR0913 - what, where to, and how it is shown
    settings: Settings,
    folder: Path,
    topics: Collection[str],
    on_records: Callable[[int, int], None],
    file_bytes: int = FILE_BYTES,
    *,
    append: bool = False,
) -> Manifest:
    """Export the topics, without their prefix; all if none is named. Whatever ends it, it can be called again.

    ``on_records`` is called with the number of records written since the last call, and with how many there are to
    write. With ``append`` a topic that was made again is added behind the records of the former one. Raises
    WrongFolder, LogMoved, a KafkaError.
    """
    prepare(folder)
    with locked(folder):
        clean(folder)
        manifest = read_manifest(folder)
        manifest.complete = False
        names = await _chosen(settings, topics)
        reader = RecordReader(settings)
        ends = await _planned(settings, folder, manifest, reader, names, append=append)
        total = sum(manifest.topics[short].left(number, end) for (short, number), end in ends.items())
        on_records(0, total)
        work = _Export(folder, manifest, reader, lambda done: on_records(done, total), file_bytes)
        for (short, number), end in ends.items():
            await work.partition(short, (names[short], number), end)
        manifest.complete = True
        write_manifest(folder, manifest)
        return manifest


async def _planned(  # noqa: PLR0913 - one more than is allowed
    settings: Settings,
    folder: Path,
    manifest: Manifest,
    reader: RecordReader,
    names: Mapping[str, str],
    *,
    append: bool,
) -> dict[tuple[str, int], int]:
    """Up to where each partition of the topics is to be exported. Raises WrongFolder if they don't fit the folder."""
    identities = await topic_identities(settings.kafka_servers, list(names.values()))
    ends: dict[tuple[str, int], int] = {}
    for short, name in names.items():
        if name not in identities:
            raise WrongFolder(_NO_IDS)
        now = identities[name]
        bounds = await reader.bounds(name, range(now.partitions))
        archived = manifest.topics.setdefault(short, ArchivedTopic(topic_id=now.topic_id, partitions={}))
        if archived.latest_id != now.topic_id:
            _require_append(folder, short, append=append)
            await _require_others(folder, archived, reader, name, bounds)
            archived.add(now.topic_id, {number: first for number, (first, _) in bounds.items()})
        for number, (first, end) in bounds.items():
            _require_no_gap(archived, number, first, name)
            ends[short, number] = end
    return ends


async def _chosen(settings: Settings, topics: Collection[str]) -> dict[str, str]:
    known = await topics_of(settings)
    if unknown := set(topics) - known.keys():
        raise WrongFolder(f"There is no topic {', '.join(sorted(unknown))}. There are: {', '.join(known) or 'none'}.")
    if not known:
        raise WrongFolder(f"Kafka has no topics that begin with {settings.topic_prefix}.")
    return {short: name for short, name in known.items() if not topics or short in topics}


def _require_append(folder: Path, short: str, *, append: bool) -> None:
    if not append:
        raise WrongFolder(
            f"{short} was made again since {folder} was begun. To add its records behind those that the folder has: "
            f"`onefold log export {folder} --append`. To leave the folder as it is, export into another one."
        )


async def _require_others(
    folder: Path, archived: ArchivedTopic, reader: RecordReader, name: str, bounds: Mapping[int, tuple[int, int]]
) -> None:
    """The topic must not have the folder's own records, as one has into which the folder was imported."""
    for number, (first, end) in bounds.items():
        files = archived.partitions[number].files if number in archived.partitions else []
        if first == end or not files:
            continue
        async with aclosing(reader.read(name, number, first, first + 1)) as pieces:
            async for records in pieces:
                if records[0][1:] == next(records_of(folder, files[0]))[1:]:  # but for their offsets
                    raise WrongFolder(
                        f"{name} has the records of {folder}, which was imported into it. Export it into another "
                        "folder."
                    )


def _require_no_gap(archived: ArchivedTopic, number: int, first: int, name: str) -> None:
    partition = archived.partitions.setdefault(number, ArchivedPartition(begin=first, end=first))
    if (known := partition.end - archived.shift(number)) < first:
        raise WrongFolder(
            f"Kafka has deleted records of {name}/{number} that the folder does not have: it ends at {known}, "
            f"and Kafka begins at {first}. Export into another folder, and keep this one."
        )


class _Export:
    """The export of one partition."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        reader: RecordReader,
        on_records: Callable[[int], None],
        file_bytes: int,
    ) -> None:
        self._folder, self._manifest, self._reader = folder, manifest, reader
        self._on_records, self._file_bytes = on_records, file_bytes

    async def partition(self, short: str, place: tuple[str, int], end: int) -> None:
        """Write its records from where its files end to before ``end``, the offset in Kafka."""
        archived = self._manifest.topics[short]
        partition, shift = archived.partitions[place[1]], archived.shift(place[1])
        writer: FileWriter | None = None
        try:
            async with aclosing(self._reader.read(*place, partition.end - shift, end)) as pieces:
                async for found in pieces:
                    records = [one._replace(offset=one.offset + shift) for one in found] if shift else found
                    writer = writer or FileWriter(self._folder, short, place[1])
                    await asyncio.to_thread(writer.write, records)
                    self._on_records(len(records))
                    if writer.size >= self._file_bytes:
                        full, writer = writer, None
                        self._finish(full, partition)
            if writer is not None:
                full, writer = writer, None
                self._finish(full, partition)
            partition.end = max(partition.end, end + shift)
        finally:
            if writer is not None:
                writer.abandon()

    def _finish(self, writer: FileWriter, partition: ArchivedPartition) -> None:
        file = writer.close()
        partition.files.append(file)
        partition.end = file.last + 1
        write_manifest(self._folder, self._manifest)
