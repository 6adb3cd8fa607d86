"""Deletes topics so that an import can make them anew, and never a record that the files do not have.

Two kinds of topics are safe to delete: the very topic that was exported, with nothing in it that the files lack; and
one that an import of these files was filling when it was interrupted. Of the latter, a note in the folder has the ids.
"""

import asyncio
import time
from contextlib import aclosing
from pathlib import Path
from typing import Final

from pydantic import BaseModel, TypeAdapter

from services.logfiles.folder import WrongFolder, write_file
from services.logfiles.kafka import ATTEMPTS, RETRY_AFTER, RecordReader
from services.logfiles.manifest import ArchivedPartition, ArchivedTopic
from services.runtime.broker import delete_topics
from services.runtime.settings import Settings
from services.runtime.topic_ids import topic_identities

_NOTE: Final = "filling.json"
_NOWHERE: Final = ArchivedPartition(begin=0, end=0)


class _Filling(BaseModel):
    """A topic that an import fills, and when that began, in milliseconds: later records are not the import's."""

    topic_id: str
    began: int


_NOTES: Final = TypeAdapter(dict[str, _Filling])


def note_filling(folder: Path, topic_id: str, name: str) -> None:
    """Note that an import begins to fill the empty topic. Raises WrongFolder if the disk is full."""
    known = _noted(folder) | {name: _Filling(topic_id=topic_id, began=int(time.time() * 1000))}
    write_file(folder, _NOTE, _NOTES.dump_json(known))


def forget_filling(folder: Path) -> None:
    """Note that all topics are filled."""
    (folder / _NOTE).unlink(missing_ok=True)


async def replace(settings: Settings, folder: Path, topics: dict[str, ArchivedTopic]) -> None:
    """Delete the topics, by their full names; those that are not there are left out.

    Nothing is deleted where one of them has records that the files do not have. Raises WrongFolder, a KafkaError.
    """
    reader, notes = RecordReader(settings), _noted(folder)
    found = await topic_identities(settings.kafka_servers, list(topics))
    for name, now in found.items():
        bounds = await reader.bounds(name, range(now.partitions))
        if not any(end for _, end in bounds.values()):
            continue
        if now.topic_id == topics[name].latest_id:
            _require_archived(name, topics[name], bounds)
        elif name not in notes or notes[name].topic_id != now.topic_id:
            raise WrongFolder(
                f"{name} is not the topic that was exported into {folder}, and not empty. To add its records behind "
                f"those that the folder has: `onefold log export {folder} --append`. To import them alone, export it "
                "into another folder. Nothing was deleted."
            )
        else:
            await _require_ours(reader, name, bounds, notes[name].began)
    await delete_topics(settings, list(found))
    await _until_gone(settings, list(found))


def _require_archived(name: str, archived: ArchivedTopic, bounds: dict[int, tuple[int, int]]) -> None:
    for number, bound in bounds.items():
        has = archived.partitions.get(number, _NOWHERE)
        first, end = (one + archived.shift(number) for one in bound)
        if end > has.end or (first < has.begin and end > first):
            raise WrongFolder(
                f"{name}/{number} has records that the files do not have. Stop all services, run `onefold log export` "
                "for the folder again, and then the same command. Nothing was deleted."
            )


async def _require_ours(reader: RecordReader, name: str, bounds: dict[int, tuple[int, int]], began: int) -> None:
    """An import keeps the records' times, so one that was written since it began is somebody else's."""
    for number, (first, end) in bounds.items():
        async with aclosing(reader.read(name, number, first, end)) as pieces:
            async for records in pieces:
                if any(one.timestamp >= began for one in records):
                    raise WrongFolder(
                        f"Something else has written to {name}/{number} since the import was interrupted. Export it "
                        "into another folder, to keep what it has. Nothing was deleted."
                    )


async def _until_gone(settings: Settings, names: list[str]) -> None:
    for _ in range(ATTEMPTS * 10):
        if not await topic_identities(settings.kafka_servers, names):
            return
        await asyncio.sleep(RETRY_AFTER / 10)
    raise WrongFolder(f"Kafka has not deleted {', '.join(names)} yet. Run the same command again.")


def _noted(folder: Path) -> dict[str, _Filling]:
    try:
        return _NOTES.validate_json((folder / _NOTE).read_bytes())
    except FileNotFoundError:
        return {}
