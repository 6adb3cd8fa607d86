"""The generations of the read models: which there are, how far each is, and deleting one."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import asyncpg

from projections.engine.connection import Connection
from projections.engine.generation_records import ACTIVE, GenerationRecord
from projections.engine.generation_tables import use_generation
from projections.engine.generations import all_generations, drop_generation, find_generation, retire_generation
from projections.engine.offsets import all_offsets
from projections.engine.paces import all_paces
from projections.engine.rebuilds import customers_left_out, latest_comparison
from projections.registry import schema_of
from schemas.topics import CHANNEL_EVENTS, CUSTOMER_CHANGES, IDENTITY_EVIDENCE
from services.runtime.broker import BROKER_ERRORS, delete_topics, log_ends
from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings

_CONNECT_WITHIN: Final = 10.0
_WORKERS_END_WITHIN: Final = 3.0  # seconds; they look at the generations each second
GenerationState = Literal["building", "past", "active", "standby", "retired"]


class GenerationInUse(ForeseenError):
    """The active generation can't be dropped. The message says what to do first."""


class PartitionProgress(NamedTuple):
    """How far a partition of the log was folded: the next offset, and the log's own; None if Kafka was not asked."""

    partition: int
    folded: int
    end: int | None


class GenerationProgress(NamedTuple):
    """A generation: ``same_code`` says whether this code can feed it, ``changes`` where it announces, if it ever does.

    ``read_models`` are those that it is made of; None: of all. ``pace`` is the share of the time that each of its
    workers works, to give way to the service; None while nobody paces them.
    """

    name: str
    state: GenerationState
    same_code: bool
    created_at: datetime
    activated_at: datetime | None
    caught_up_at: datetime | None
    compared_at: datetime | None
    as_of: datetime | None
    known_at: datetime | None
    changes: str | None
    read_models: tuple[str, ...] | None
    pace: float | None
    left_out: int | None
    partitions: tuple[PartitionProgress, ...]

    @property
    def folded(self) -> int:
        """How many records of the log were folded."""
        return sum(one.folded for one in self.partitions)

    @property
    def end(self) -> int | None:
        """How many records the log has; None if Kafka was not asked."""
        return None if any(one.end is None for one in self.partitions) else sum(one.end or 0 for one in self.partitions)

    @property
    def behind(self) -> int | None:
        """How many records of the log are left to fold; None if Kafka was not asked."""
        return None if self.end is None else max(0, self.end - self.folded)


async def list_generations(settings: Settings) -> list[GenerationProgress]:
    """Every generation with its progress, the oldest first. Raises what PostgreSQL raises."""
    connection = await asyncpg.connect(settings.database_url, timeout=_CONNECT_WITHIN)
    try:
        return await progress_of_all(connection, settings)
    finally:
        await connection.close()


async def progress_of_all(connection: Connection, settings: Settings) -> list[GenerationProgress]:
    """Every generation with its progress, the oldest first. While Kafka can't be reached, without the log's ends."""
    ends = await _log_ends(settings)
    paces = await all_paces(connection)
    left_out = await customers_left_out(connection)
    known = await all_generations(connection)
    return [
        await _progress(connection, settings, one, ends, (paces.get(one.name), left_out.get(one.name))) for one in known
    ]


async def comparison_of(settings: Settings, name: str) -> Mapping[str, Any] | None:
    """What the latest comparison of a generation found, without values; None without one."""
    connection = await asyncpg.connect(settings.database_url, timeout=_CONNECT_WITHIN)
    try:
        return await latest_comparison(connection, name)
    finally:
        await connection.close()


async def drop(settings: Settings, name: str) -> None:
    """Delete a generation with its rows and its topic of evidence. Raises GenerationInUse, NoSuchGeneration."""
    connection = await asyncpg.connect(settings.database_url, timeout=_CONNECT_WITHIN)
    try:
        found = await find_generation(connection, name)
        if found.state == ACTIVE:
            raise GenerationInUse(f"{name} is the active generation. Activate another one first, or build one.")
        if found.fed:
            await retire_generation(connection, name)
            await asyncio.sleep(_WORKERS_END_WITHIN)
        await drop_generation(connection, name)
    finally:
        await connection.close()
    if settings.kafka and found.topic_suffix:
        await delete_topics(settings, [found.generation.topic_name(IDENTITY_EVIDENCE, settings.topic_prefix)])


async def _log_ends(settings: Settings) -> dict[int, int] | None:
    if not settings.kafka:
        return None
    try:
        return await log_ends(settings.kafka, CHANNEL_EVENTS.full_name(settings.topic_prefix))
    except (*BROKER_ERRORS, OSError, RuntimeError):
        return None


async def _progress(
    connection: Connection,
    settings: Settings,
    one: GenerationRecord,
    ends: dict[int, int] | None,
    of_rebuild: tuple[float | None, int | None],
) -> GenerationProgress:
    log = CHANNEL_EVENTS.full_name(settings.topic_prefix)
    async with connection.transaction():
        await use_generation(connection, one.name)
        rows = await all_offsets(connection)
    folded = {row["partition"]: row["next_offset"] for row in rows if row["topic"] == log}
    numbers = sorted(folded.keys() | (ends or {}).keys())
    partitions = tuple(
        PartitionProgress(number, folded.get(number, 0), ends.get(number, 0) if ends is not None else None)
        for number in numbers
    )
    return GenerationProgress(
        one.name,
        one.shown_state,  # type: ignore[arg-type] # the table's constraint
        one.schema_digest == schema_of(one.read_models).digest,
        one.created_at,
        one.activated_at,
        one.caught_up_at,
        one.compared_at,
        one.as_of,
        one.known_at,
        None if one.partial else one.generation.topic_name(CUSTOMER_CHANGES, settings.topic_prefix),
        None if one.read_models is None else tuple(sorted(one.read_models)),
        *of_rebuild,
        partitions,
    )
