"""Composer: keeps the customer rows up to date with what contacts and identity add up to.

Only one worker composes; the others wait for its lock. A tenant's turn takes a bounded number of customers, so that one
with many does not keep the others waiting. While the worker's contacts are behind the log, the composer gives way to
them (`composing_pace`). The same worker has crossed thresholds of quotas announced.
"""

import asyncio
import math
import time
from collections.abc import Callable, Collection
from typing import Final

import structlog

from projections.customers.composing import compose_some, unfinished_tenants
from projections.customers.missing import make_missing_again
from projections.customers.store import lock_composer
from projections.engine.connection import Connection
from projections.engine.touched import Behind, behind, touched_tenants
from services.runtime import metrics
from services.worker.agent_spec import Connect
from services.worker.background.reconnecting import run_reconnecting
from services.worker.background.thresholds import QuotaThresholds
from services.worker.core.composing_pace import SMALL, TurnSize, pace_of

log = structlog.get_logger(__name__)

_EVERY: Final = 1.0  # seconds between looks at what was not noted as touched
_REST: Final = 0.05  # seconds between looks at what was
_STEP: Final = 0.2  # seconds of a rest after which the pace may be another


class Composer:
    """Composes the customer rows of one generation; see BackgroundService.

    ``contacts_behind`` gives how many seconds of the log this worker has still to fold.
    """

    def __init__(
        self,
        connect: Connect,
        region: str,
        contacts_behind: Callable[[], float] = lambda: 0.0,
        *,
        every: float = _EVERY,
        rest: float = _REST,
    ) -> None:
        self._connect = connect
        self._region = region
        self._contacts_behind = contacts_behind
        self._every = every
        self._rest = rest

    def wake(self) -> None:
        """No-op: other workers' chunks touch customers as well, so it polls."""

    async def run(self) -> None:
        """Run until cancelled. After an outage of PostgreSQL it starts again."""
        await run_reconnecting(self._connect, self._run_alone, every=self._every, interrupted="composer_interrupted")

    async def _run_alone(self, connection: Connection) -> None:
        """Wait for the lock, then compose for as long as the connection holds it."""
        while not await lock_composer(connection):
            await self._report(connection)
            await asyncio.sleep(self._every)
        for tenant, table in (await make_missing_again(connection, self._region)).items():
            log.warning("customer_rows_missing", tenant=tenant, table=table, action="all are made again")
        looked, rows_behind, worked = -math.inf, 0.0, 0.0
        unfinished: set[str] = set()
        thresholds = QuotaThresholds()
        while True:
            size = await self._size_after_rest(connection, worked, rows_behind)
            began = time.monotonic()
            if began - looked >= self._every:
                looked = began
                rows_behind = (await self._report(connection)).seconds
                unfinished = set(await unfinished_tenants(connection))
                await thresholds.look(connection)
            taken = await self.take_turns(connection, unfinished, size)
            thresholds.note(taken)
            unfinished = {tenant for tenant in unfinished if taken.get(tenant, True)}
            worked = time.monotonic() - began
            if worked >= self._every:  # what was behind before a long turn says nothing of what is left
                rows_behind = (await self._report(connection)).seconds

    async def _size_after_rest(self, connection: Connection, worked: float, rows_behind: float) -> TurnSize:
        """Rest as long as the pace asks for, which may change meanwhile; the size of the turn after it.

        The connection must not be silent for long: it would be ended, and its lock with it.
        """
        began = looked = time.monotonic()
        while True:
            pace, now = pace_of(self._contacts_behind(), rows_behind), time.monotonic()
            left = pace.rest_after(worked, self._rest) - (now - began)
            if left <= 0:
                return pace.size
            if now - looked >= self._every:
                looked, rows_behind = now, (await self._report(connection)).seconds
            await asyncio.sleep(min(left, _STEP))

    @staticmethod
    async def _report(connection: Connection) -> Behind:
        found = await behind(connection)
        metrics.COMPOSER_CHUNKS_BEHIND.set(found.chunks)
        metrics.COMPOSER_SECONDS_BEHIND.set(found.seconds)
        return found

    async def take_turns(
        self, connection: Connection, unfinished: Collection[str] = (), size: TurnSize = SMALL
    ) -> dict[str, bool]:
        """One turn of each tenant of which something was touched, and of the unfinished; whether it has more to do."""
        tenants = sorted({*await touched_tenants(connection), *unfinished})
        return {tenant: await self._compose(connection, tenant, size) for tenant in tenants}

    async def _compose(self, connection: Connection, tenant: str, size: TurnSize) -> bool:
        async with connection.transaction(isolation="repeatable_read"):
            return await compose_some(connection, tenant, self._region, size.page, size.ids)
