"""Composer: keeps the customer rows up to date with what contacts and identity add up to.

Only one worker composes; the others wait for its lock. A tenant's turn takes a bounded number of customers, so that one
with many does not keep the others waiting. The same worker has crossed thresholds of quotas announced.
"""

import asyncio
import math
import time
from typing import Final

import structlog

from projections.customers.composing import compose_some, unfinished_tenants
from projections.customers.store import lock_composer
from projections.engine.connection import Connection
from projections.engine.touched import behind, touched_tenants
from services.runtime import metrics
from services.worker.agent_spec import Connect
from services.worker.background.reconnecting import run_reconnecting
from services.worker.background.thresholds import QuotaThresholds

log = structlog.get_logger(__name__)

_EVERY: Final = 1.0  # seconds between looks at what was not noted as touched
_REST: Final = 0.05  # seconds between looks at what was


class Composer:
    """Composes the customer rows of one generation; see BackgroundService."""

    def __init__(self, connect: Connect, region: str, *, every: float = _EVERY, rest: float = _REST) -> None:
        self._connect = connect
        self._region = region
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
        looked = -math.inf
        unfinished: set[str] = set()
        thresholds = QuotaThresholds()
        while True:
            began = time.monotonic()
            if began - looked >= self._every:
                looked = began
                await self._report(connection)
                unfinished = set(await unfinished_tenants(connection))
                await thresholds.look(connection)
            for tenant in sorted({*await touched_tenants(connection), *unfinished}):
                if not await self.compose(connection, tenant):
                    unfinished.discard(tenant)
                thresholds.note([tenant])
            # The agents of this process have at least half of the time.
            await asyncio.sleep(max(self._rest, time.monotonic() - began))

    @staticmethod
    async def _report(connection: Connection) -> None:
        found = await behind(connection)
        metrics.COMPOSER_CHUNKS_BEHIND.set(found.chunks)
        metrics.COMPOSER_SECONDS_BEHIND.set(found.seconds)

    async def compose(self, connection: Connection, tenant: str) -> bool:
        """A tenant's turn; whether more is to be done."""
        async with connection.transaction(isolation="repeatable_read"):
            return await compose_some(connection, tenant, self._region)
