"""Writes what a folder does not have yet: up to the ends of the partitions at the start of the export."""

import asyncio
from collections.abc import Callable, Collection
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
    write_manifest,
)
from services.logfiles.kafka import RecordReader
from services.logfiles.manifest import ArchivedPartition, ArchivedTopic, Manifest
from services.runtime.broker import topics_of
from services.runtime.settings import Settings
from services.runtime.topic_ids import topic_identities

_NO_IDS: Final = "This broker has no ids of topics; Apache Kafka has them since 3.1."


async def export(
    settings: Settings,
    folder: Path,
    topics: Collection[str],
    on_records: Callable[[int, int], None],
    file_bytes: int = FILE_BYTES,
) -> Manifest:
    """Export the topics, without their prefix; all if none is named. Whatever ends it, it can be called again.

    ``on_records`` is called with the number of records written since the last call, and with how many there are to
    write. Raises WrongFolder, LogMoved, a KafkaError.
    """
    prepare(folder)
    with locked(folder):
        clean(folder)
        manifest = read_manifest(folder)
        manifest.complete = False
        names = await _chosen(settings, topics)
        identities = await topic_identities(settings.kafka_servers, list(names.values()))
        reader = RecordReader(settings)
        work: list[tuple[str, int, int]] = []
        for short, name in names.items():
            if name not in identities:
                raise WrongFolder(_NO_IDS)
            bounds = await reader.bounds(name, range(identities[name].partitions))
            archived = _archived(folder, manifest, short, identities[name].topic_id)
            work += [(short, number, end) for number, (_, end) in bounds.items()]
            for number, (first, _) in bounds.items():
                _require_no_gap(archived, number, first, name)
        total = sum(end - manifest.topics[short].partitions[number].end for short, number, end in work)
        on_records(0, total)
        for short, number, end in work:
            place = (names[short], number)
            partition = manifest.topics[short].partitions[number]
            await _Export(folder, manifest, reader, lambda done: on_records(done, total), file_bytes).partition(
                short, place, partition, end
            )
        manifest.complete = True
        write_manifest(folder, manifest)
        return manifest


async def _chosen(settings: Settings, topics: Collection[str]) -> dict[str, str]:
    known = await topics_of(settings)
    if unknown := set(topics) - known.keys():
        raise WrongFolder(f"There is no topic {', '.join(sorted(unknown))}. There are: {', '.join(known) or 'none'}.")
    if not known:
        raise WrongFolder(f"Kafka has no topics that begin with {settings.topic_prefix}.")
    return {short: name for short, name in known.items() if not topics or short in topics}


def _archived(folder: Path, manifest: Manifest, short: str, topic_id: str) -> ArchivedTopic:
    archived = manifest.topics.setdefault(short, ArchivedTopic(topic_id=topic_id, partitions={}))
    if archived.topic_id != topic_id:
        raise WrongFolder(f"{short} was made again since {folder} was begun. Export it into another folder.")
    return archived


def _require_no_gap(archived: ArchivedTopic, number: int, first: int, name: str) -> None:
    partition = archived.partitions.setdefault(number, ArchivedPartition(begin=first, end=first))
    if partition.end < first:
        raise WrongFolder(
            f"Kafka has deleted records of {name}/{number} that the folder does not have: it ends at {partition.end}, "
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

    async def partition(self, short: str, place: tuple[str, int], partition: ArchivedPartition, end: int) -> None:
        """Write its records from where its files end to before ``end``."""
        writer: FileWriter | None = None
        try:
            async with aclosing(self._reader.read(*place, partition.end, end)) as pieces:
                async for records in pieces:
                    writer = writer or FileWriter(self._folder, short, place[1])
                    await asyncio.to_thread(writer.write, records)
                    self._on_records(len(records))
                    if writer.size >= self._file_bytes:
                        full, writer = writer, None
                        self._finish(full, partition)
            if writer is not None:
                full, writer = writer, None
                self._finish(full, partition)
            partition.end = max(partition.end, end)
        finally:
            if writer is not None:
                writer.abandon()

    def _finish(self, writer: FileWriter, partition: ArchivedPartition) -> None:
        file = writer.close()
        partition.files.append(file)
        partition.end = file.last + 1
        write_manifest(self._folder, self._manifest)
