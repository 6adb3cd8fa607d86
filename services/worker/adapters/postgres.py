"""The tables of one generation, and the connections to them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import asyncpg
import structlog

from projections.engine.connection import Connection
from projections.engine.first_statistics import plan_anew
from projections.engine.generation_records import Generation, GenerationRecord, IncompatibleGeneration
from projections.engine.generations import (
    active_generation,
    check_still_fed,
    find_generation,
    named_generation,
    share,
    writing,
)
from projections.engine.holds import OffsetHold, read_hold
from projections.engine.offsets import Counts, OffsetCommit, Ownership, acquire, commit, position
from projections.engine.paces import read_pace
from projections.engine.projection import ContactEvent
from projections.engine.stages import enter
from projections.registry import SCHEMA, schema_of
from services.runtime.database import REJECTIONS, create_pool, dedicated_connection, is_outage, is_transient
from services.runtime.retrying import Retrier
from services.runtime.settings import Settings
from services.worker.agent_spec import SaveEvents, SaveTogether
from services.worker.ports import FailsRepeatedly, Fenced, OffsetMismatch, RejectedByDatabase

Pool = asyncpg.Pool
T = TypeVar("T")
log = structlog.get_logger(__name__)

_NAME: Final = "onefold-worker"
_CONNECT_WITHIN: Final = 10.0
_NONE: Final = -1  # a partition whose rows are taken back
_ATTEMPTS: Final = 3  # to save a chunk, while the server answers
_LOCK_WITHIN: Final = 30.0  # seconds; less than a statement's, so that waiting for others is told from working
_LOCKS_OUTLIVE: Final = 3  # session timeouts: more than a chunk spends between two statements

# While a statement is being prepared, PostgreSQL counts the session as active: its own timeouts for idle transactions
# and for statements do not end it, even if its client never sends another byte.
_END_STALLED: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = current_setting('application_name') AND usename = current_user
    AND datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - make_interval(secs => $1)
"""


def silence_limit(settings: Settings) -> float:
    """After how many seconds without a statement a worker's transaction and locks are taken from it."""
    return _LOCKS_OUTLIVE * settings.session_timeout


async def current_generation(settings: Settings, name: str | None = None) -> Generation:
    """The generation of this name, or the active one. Raises NoGeneration, IncompatibleGeneration."""
    connection = await asyncpg.connect(settings.database_url, timeout=_CONNECT_WITHIN)
    try:
        return await (named_generation(connection, name, schema_of) if name else active_generation(connection, SCHEMA))
    finally:
        await connection.close()


async def hold_of(pool: Pool, generation: str) -> OffsetHold | None:
    """The hold of a generation that is being built; None if there is none."""
    async with pool.acquire() as connection:
        return await read_hold(connection, generation)


async def pace_of(pool: Pool, generation: str) -> float:
    """The share of the time that the generation's workers may work."""
    async with pool.acquire() as connection:
        return await read_pace(connection, generation)


async def record_of(pool: Pool, generation: str) -> GenerationRecord:
    """What is known of the generation. Raises NoSuchGeneration."""
    async with pool.acquire() as connection:
        return await find_generation(connection, generation)


@contextlib.asynccontextmanager
async def open_pool(settings: Settings, generation: str, size: int) -> AsyncIterator[Pool]:
    """A pool of at most ``size`` connections to the generation's tables."""
    pool = create_pool(
        settings.database_url,
        schema=generation,
        min_size=0,
        max_size=size,
        idle_in_transaction=silence_limit(settings),
        name=_NAME,
        by_key=True,
        lock_timeout=str(int(_LOCK_WITHIN * 1000)),
    )
    async with pool:
        try:
            yield pool
        finally:
            pool.terminate()  # a polite close would wait for statements that an absent server never answers


def connect(settings: Settings, generation: str) -> contextlib.AbstractAsyncContextManager[Connection]:
    """A connection outside the pool; see WorkerResources."""
    return dedicated_connection(
        settings.database_url, schema=generation, silent_for=silence_limit(settings), name=_NAME
    )


class PostgresReadModelWriter:
    """The ReadModelWriter on PostgreSQL, and the offset keeper of the chunked transport.

    ``on_attempt`` is called when an attempt to save events has failed; ``attempt_within`` is its longest time, seconds.
    ``digest`` is that of the generation which the tables must still be. While the generation is ``loading``, each
    statement is planned anew: tables that were empty a moment ago are large by then.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a worker knows of its generation
        self,
        pool: Pool,
        retrier: Retrier,
        on_attempt: Callable[[], None] = lambda: None,
        attempt_within: float = 60.0,
        digest: str = SCHEMA.digest,
        loading: Callable[[], bool] = lambda: False,
    ) -> None:
        self._pool = pool
        self._retrier = retrier
        self._on_attempt = on_attempt
        self._attempt_within = attempt_within
        self._digest = digest
        self._loading = loading

    async def acquire(self, topic: str, partitions: Iterable[int]) -> dict[int, Ownership]:
        """Become the owner of the partitions; see OffsetKeeper.

        Raises IncompatibleGeneration if other code has put its read models into the generation since the start: its
        change of the digest fences the owners that it finds, and waits for those who become owners.
        """
        wanted = list(partitions)

        async def once() -> dict[int, Ownership]:
            async with self._pool.acquire() as connection, connection.transaction():
                await share(connection)
                await check_still_fed(connection, self._digest)
                return await acquire(connection, topic, wanted)

        return await self._retrier.until_done("postgresql", once, is_transient)

    async def end_stalled(self, after: float) -> None:
        """End transactions whose worker has been silent for ``after`` seconds: their locks hold up other workers."""
        ended = await self._pool.fetch(_END_STALLED, after)
        if ended:
            log.warning("stalled_transactions_ended", number=len(ended))

    async def save(self, save_events: SaveEvents, events: list[ContactEvent], move: OffsetCommit) -> int:
        """Save the events and move the offset in one transaction; see ReadModelWriter."""

        async def once() -> int:
            async with self._pool.acquire() as connection, writing(connection):
                await self._plan(connection)
                return await self._save(connection, save_events, events, move)

        try:
            return await self._while_it_answers(once, _ATTEMPTS)
        except REJECTIONS as error:
            raise RejectedByDatabase(type(error).__name__) from error

    async def save_together(
        self, save_events: SaveTogether, partitions: Sequence[list[ContactEvent]], moves: Sequence[OffsetCommit]
    ) -> list[int]:
        """Save the events of several partitions and move their offsets in one transaction; see ReadModelWriter."""

        async def once() -> list[int]:
            async with self._pool.acquire() as connection, writing(connection):
                await self._plan(connection)
                news = await save_events(connection, partitions, [move.partition for move in moves])
                enter("commit")
                counted = [replace(move, counts=_counted(move, new)) for move, new in zip(moves, news, strict=True)]
                if not await commit(connection, *counted):
                    raise Fenced
                return news

        return await self._while_it_answers(once, 1)

    async def failure(self, save_events: SaveEvents, events: list[ContactEvent], attempts: int) -> Exception | None:
        """Try to save the events and take it back; see ReadModelWriter."""

        async def once() -> None:
            async with self._pool.acquire() as connection:
                attempt = connection.transaction()
                await attempt.start()
                try:
                    await share(connection)
                    await self._plan(connection)
                    await check_still_fed(connection, self._digest)
                    await save_events(connection, events, _NONE)
                finally:
                    await attempt.rollback()

        try:
            await self._while_it_answers(once, attempts)
        except IncompatibleGeneration:
            raise  # the tables are not those that this code knows: the events are not to blame
        except Exception as error:  # noqa: BLE001 - whatever it is, these events cause it
            return error
        return None

    async def _while_it_answers(self, once: Callable[[], Awaitable[T]], attempts: int) -> T:
        """What ``once`` returns, which runs a transaction; waits while the server is away.

        Raises FailsRepeatedly when so many ``attempts`` have failed by a transient error although the server answered
        before and after: then it is no outage, whatever the error looks like.
        """
        failed, name = 0, ""

        async def attempt() -> T:
            nonlocal failed, name
            enter("wait")
            if failed:
                await answers(self._pool)
            if failed == attempts:
                raise FailsRepeatedly(name)
            try:
                async with asyncio.timeout(self._attempt_within):
                    return await once()
            except Exception as error:
                self._on_attempt()
                if is_transient(error) and not is_outage(error):
                    failed, name = failed + 1, type(error).__name__
                raise

        return await self._retrier.until_done("postgresql", attempt, is_transient)

    async def _plan(self, connection: Connection) -> None:
        if self._loading():
            await plan_anew(connection)

    async def _save(
        self, connection: Connection, save_events: SaveEvents, events: list[ContactEvent], move: OffsetCommit
    ) -> int:
        new = await save_events(connection, events, move.partition)
        enter("commit")
        if await commit(connection, replace(move, counts=_counted(move, new))):
            return new
        epoch, next_offset = await position(connection, move.topic, move.partition) or (None, 0)
        if epoch != move.epoch:
            raise Fenced
        if next_offset != move.end:
            raise OffsetMismatch(f"partition {move.partition}: rows end at {next_offset}, chunk starts at {move.start}")
        return new  # our own commit: the answer to it was lost with the connection


def _counted(move: OffsetCommit, new: int) -> Counts:
    """The counts of a chunk of which so many events were new."""
    return Counts(new, move.counts.duplicates - new, move.counts.dead_letters)


async def answers(pool: Pool) -> None:
    """Return if PostgreSQL answers; raises what asyncpg raises."""
    await pool.fetchval("SELECT 1")
