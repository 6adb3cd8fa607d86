"""Connections to PostgreSQL that see the active generation, also after a cut-over to another one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Final, Literal, NamedTuple, Self

import asyncpg
import structlog

from projections.contacts.queries import check_readable
from projections.engine.connection import Connection
from projections.engine.generation_records import IncompatibleGeneration, NoGeneration
from projections.engine.generations import active_generation
from projections.registry import SCHEMA
from services.query.ports import ReadModelsUnavailable
from services.runtime.cancelling import cancel_all
from services.runtime.database import create_pool
from services.runtime.http import NotReady
from services.runtime.unreachable import trouble_of

log = structlog.get_logger(__name__)

_LOOK_EVERY: Final = 1.0  # seconds; a generation's cut-over shows within this
_LOOKING_BACK: Final = 2  # answers about the past at a time; each may fold thousands of events
_COUNTING: Final = 2  # counts of whom a job will be about, at a time; each may take seconds
_LOADING: Final = 2  # connections that load search indexes, and keep them up to date
_CONNECTION_WITHIN: Final = 10.0  # seconds; a busy server may take a while to open one more
_STATEMENT_TIMEOUT: Final = 5.0
_UNAVAILABLE: Final = (
    OSError,
    TimeoutError,
    NoGeneration,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, or the statement took too long
    asyncpg.InsufficientResourcesError,
    asyncpg.UndefinedTableError,  # the generation was dropped meanwhile
    asyncpg.InvalidCatalogNameError,
)


class _Pools(NamedTuple):
    """Connections to one generation, by what they are for.

    What has served an answer about the past serves no other: its temporary tables hide those of the generation.
    """

    query: asyncpg.Pool
    past: asyncpg.Pool
    counts: asyncpg.Pool
    indexes: asyncpg.Pool


class PooledReadModels:
    """A pool on the active generation; on a cut-over the next connection is of the new one.

    Reads that have begun end on the generation they began on. A generation that other code has made is not read: the
    process stays up, says so once in its log and at ``/readyz``, and answers 503 until the active one fits.
    """

    def __init__(
        self, url: str, *, size: int = 8, look_every: float = _LOOK_EVERY, within: float = _CONNECTION_WITHIN
    ) -> None:
        """``size`` connections at most, each of which is waited for ``within`` seconds."""
        self._url = url
        self._size = size
        self._look_every = look_every
        self._within = within
        self._generation: str | None = None
        self._pools: _Pools | None = None
        self._refused: str | None = None  # why the active generation is not read
        self._away = "not connected yet"  # why none is, as long as there are no pools
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Begin to follow the active generation. It need not be there yet, nor the database."""
        self._spawn(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await cancel_all(*self._tasks)
        for pool in self._pools or ():
            pool.terminate()

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for one request. Raises ReadModelsUnavailable, also for errors of the block inside."""
        return self._connection_of("query")

    def connection_for_past(self) -> AbstractAsyncContextManager[Connection]:
        """One of the few connections that serve nothing but answers about the past. Raises as `connection` does."""
        return self._connection_of("past")

    def for_counts(self) -> "ReadModelsForCounts":
        """The same read models by a few connections of their own: counts that take long hold up nothing else."""
        return ReadModelsForCounts(lambda: self._connection_of("counts"))

    def connection_for_index(self) -> AbstractAsyncContextManager[Connection]:
        """One of the few connections that serve nothing but search indexes. Raises as `connection` does."""
        return self._connection_of("indexes")

    @asynccontextmanager
    async def _connection_of(self, purpose: Literal["query", "past", "counts", "indexes"]) -> AsyncIterator[Connection]:
        if self._pools is None:
            raise ReadModelsUnavailable(self._refused or ReadModelsUnavailable.__doc__)
        pool: asyncpg.Pool = getattr(self._pools, purpose)
        try:
            async with pool.acquire(timeout=self._within) as connection:
                yield connection
        except _UNAVAILABLE as error:
            raise ReadModelsUnavailable(ReadModelsUnavailable.__doc__) from error

    async def check(self) -> None:
        """Ask the database one small question. Raises ReadModelsUnavailable, or NotReady with the reason."""
        if self._pools is None:
            raise NotReady(self._refused or self._away)
        async with self.connection() as connection:
            await check_readable(connection)

    async def _follow(self) -> None:
        unavailable = False
        while True:
            try:  # a wrong password may be corrected later, so that is no reason to give up
                await self._look()
            except IncompatibleGeneration as error:
                self._refuse(str(error))
            except (ReadModelsUnavailable, asyncpg.PostgresError, *_UNAVAILABLE) as error:
                if not unavailable:
                    log.warning("read_models_unavailable", error=type(error.__cause__ or error).__name__)
                unavailable = True
                self._away = str(error if isinstance(error, NoGeneration) else trouble_of(error))
            else:
                unavailable = False
            await asyncio.sleep(self._look_every)

    async def _look(self) -> None:
        generation = await self._active()
        if generation == self._generation:
            return
        self._replace(
            _Pools(
                await self._open(generation, min_size=1, max_size=self._size, name="onefold-query"),
                await self._open(generation, min_size=0, max_size=_LOOKING_BACK, name="onefold-past"),
                await self._open(generation, min_size=0, max_size=_COUNTING, name="onefold-counts"),
                await self._open(generation, min_size=0, max_size=_LOADING, name="onefold-index"),
            )
        )
        self._generation, self._refused = generation, None
        log.info("generation_read", generation=generation)

    async def _open(self, generation: str, *, min_size: int, max_size: int, name: str) -> asyncpg.Pool:
        return await create_pool(
            self._url,
            schema=generation,
            min_size=min_size,
            max_size=max_size,
            statement_timeout=_STATEMENT_TIMEOUT,
            name=name,
            plan_cache_mode="force_generic_plan",  # the plans are the same for everybody, and planning takes longer
        ).__aenter__()

    def _replace(self, pools: "_Pools | None") -> None:
        """Read by these pools from now on; those before serve what has begun."""
        for former in self._pools or ():
            self._spawn(self._retire(former))
        self._pools = pools

    def _refuse(self, reason: str) -> None:
        """Read no generation until the active one fits; every request is answered 503 until then."""
        if self._refused is None:
            log.error("generation_incompatible", reason=reason)
        self._replace(None)
        self._generation, self._refused = None, reason

    async def _active(self) -> str:
        if self._pools is not None:
            async with self._pools.query.acquire(timeout=self._within) as pooled:
                return (await active_generation(pooled, SCHEMA)).name
        connection = await asyncpg.connect(self._url, timeout=self._within)
        try:
            return (await active_generation(connection, SCHEMA)).name
        finally:
            with suppress(*_UNAVAILABLE):
                await connection.close(timeout=self._within)

    async def _retire(self, pool: asyncpg.Pool) -> None:
        """Close a pool once the readers that were waiting for it when it was replaced have been served."""
        try:
            await asyncio.sleep(self._within)
            await pool.close()
        finally:
            pool.terminate()

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class ReadModelsForCounts:
    """The ReadModels port on connections that ``connect`` gives."""

    def __init__(self, connect: Callable[[], AbstractAsyncContextManager[Connection]]) -> None:
        self.connection = connect
