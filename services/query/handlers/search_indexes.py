"""The search indexes of this process: which tenants have one, how they come to be, and how they stay up to date.

An index is loaded in the background once somebody searches among a tenant's many customers; until it is there, and
wherever it can't answer, PostgreSQL does. It never answers for another moment than the snapshot's.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final, TypeVar

import structlog

from projections.customers.index.evaluating import NotIndexed
from projections.customers.index.reading import HeldIndex, Lost, Outrun, load_index, look_up
from projections.customers.index.searching import IndexedSearch
from projections.customers.search.queries import Search
from projections.engine.connection import Connection
from services.query.ports import ReadModelsUnavailable
from services.runtime import metrics
from services.runtime.cancelling import cancel_all

log = structlog.get_logger(__name__)

LEAST_CUSTOMERS: Final = 50_000  # of a tenant: of fewer PostgreSQL finds any in a moment
MIB: Final = 1024 * 1024
_EVERY: Final = 0.1  # seconds between looks at what the composer wrote
_UNASKED: Final = 900.0  # seconds after which an index that nobody asks is dropped
_TOO_LARGE_FOR: Final = 3600.0  # seconds after which one that was too large is tried again
_EACH: Final = 500  # bytes of a customer, before it is known
_TRIES: Final = 3  # snapshots, before PostgreSQL answers in one that the index is ahead of
_Answer = TypeVar("_Answer")
ConnectForIndex = Callable[[], AbstractAsyncContextManager[Connection]]


async def unless_outrun(answer: Callable[[bool], Awaitable[_Answer]]) -> _Answer:
    """The answer, asked for again where the index is ahead of its snapshot. It is told whether to ask the index."""
    for _ in range(_TRIES):
        with suppress(Outrun):
            return await answer(True)  # noqa: FBT003 - of a callable
    metrics.SEARCHES.labels("postgresql").inc()
    return await answer(False)  # noqa: FBT003


class SearchIndexes:
    """The indexes of the tenants that are asked most recently, in bounded memory."""

    def __init__(
        self, connect: ConnectForIndex, most_bytes: int, *, least: int = LEAST_CUSTOMERS, every: float = _EVERY
    ) -> None:
        """``connect`` gives connections for loading; tenants of fewer than ``least`` customers have no index."""
        self._connect = connect
        self._most_bytes = most_bytes
        self._least = least
        self._every = every
        self._held: OrderedDict[str, HeldIndex] = OrderedDict()
        self._asked: dict[str, float] = {}
        self._wanted: dict[str, int] = {}  # customers of the tenants that are to be loaded
        self._too_large: dict[str, float] = {}  # when it was found
        self._news = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Load, and keep up to date, until the block ends."""
        tasks = [asyncio.create_task(self._forever(one)) for one in (self._load_wanted, self._keep_up)]
        try:
            yield
        finally:
            await cancel_all(*tasks)
            self._held.clear()

    async def ask(
        self, connection: Connection, search: Search, customers: int, question: Callable[[IndexedSearch], _Answer]
    ) -> _Answer | None:
        """The answer of the tenant's index as of the connection's snapshot; None where PostgreSQL has to answer.

        Raises Outrun: then ask in a new snapshot. ``customers`` is how many the tenant has.
        """
        held = self._of(search.tenant, customers)
        answer = None
        if held is not None and not held.is_behind:
            try:
                looked_up = await look_up(connection, search)
                async with held.lock:
                    index = await held.bring_up(connection, waiting=True)
                    answer = question(IndexedSearch(index, search, looked_up))
            except Lost:
                self._load_anew(held)
            except NotIndexed:
                pass
        metrics.SEARCHES.labels("postgresql" if answer is None else "index").inc()
        return answer

    def _of(self, tenant: str, customers: int) -> HeldIndex | None:
        held = self._held.get(tenant)
        self._asked[tenant] = now = asyncio.get_running_loop().time()
        too_large = now - self._too_large.get(tenant, -_TOO_LARGE_FOR) < _TOO_LARGE_FOR
        if held is not None:
            self._held.move_to_end(tenant)
        elif self._least <= customers <= self._most_bytes // _EACH and not too_large:
            self._wanted.setdefault(tenant, customers)
            self._news.set()
        return held

    def _load_anew(self, held: HeldIndex) -> None:
        """Drop an index, and load another one in its place."""
        if self._held.get(held.tenant) is held:
            del self._held[held.tenant]
        self._wanted.setdefault(held.tenant, held.size)
        self._news.set()

    async def _forever(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work again and again; an outage of PostgreSQL only delays it."""
        while True:
            try:
                await work()
            except ReadModelsUnavailable as error:
                log.warning("search_index_interrupted", error=type(error.__cause__ or error).__name__)
            except Exception:
                log.exception("search_index_failed")
            await asyncio.sleep(self._every)

    async def _load_wanted(self) -> None:
        """Load what is wanted, one tenant after another."""
        if not self._wanted:
            await self._news.wait()
        self._news.clear()
        for tenant in [*self._wanted]:
            await self._load(tenant)

    async def _load(self, tenant: str) -> None:
        with metrics.SEARCH_INDEX_LOAD_SECONDS.time():
            async with (
                self._connect() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                held = await load_index(connection, tenant)
        customers = self._wanted.pop(tenant)
        if held is None:  # its rows are being made: whoever asks next wants it again
            return
        if held.memory > self._most_bytes:
            self._too_large[tenant] = asyncio.get_running_loop().time()
            log.warning("search_index_too_large", tenant=tenant, customers=customers, mib=held.memory // MIB)
            return
        self._held[tenant] = held
        log.info("search_index_loaded", tenant=tenant, customers=held.size, mib=held.memory // MIB)
        self._make_room()

    async def _keep_up(self) -> None:
        """Bring every index to the present, so that a question finds little to take in."""
        now = asyncio.get_running_loop().time()
        for tenant, held in [*self._held.items()]:
            if now - self._asked.get(tenant, now) > _UNASKED:
                del self._held[tenant]
            elif held.is_worn:  # it answers until the new one is there
                self._wanted.setdefault(tenant, held.size)
                self._news.set()
            await self._bring_up(held)
        self._make_room()

    async def _bring_up(self, held: HeldIndex) -> None:
        try:
            async with (
                held.lock,
                self._connect() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                await held.bring_up(connection, waiting=False)
        except (Lost, Outrun):  # a snapshot taken with the lock is never older than what was there
            self._load_anew(held)

    def _make_room(self) -> None:
        """Drop what was asked longest ago, until the rest has room."""
        while sum(one.memory for one in self._held.values()) > self._most_bytes:
            tenant, _ = self._held.popitem(last=False)
            log.info("search_index_dropped", tenant=tenant)
        metrics.SEARCH_INDEX_BYTES.set(sum(one.memory for one in self._held.values()))
        metrics.SEARCH_INDEX_CUSTOMERS.set(sum(one.size for one in self._held.values()))
        metrics.SEARCH_INDEX_SECONDS_BEHIND.set(max((one.seconds_behind for one in self._held.values()), default=0))
