"""Candidate sweep: keeps the list of customers that are probably one person.

It goes through all customers of every tenant, a page at a time, compares each with those that share a blocking key, and
begins anew once something was folded since. It needs no events, so it can't miss any: what it leaves depends on the
read models alone. It works one part in ten of the time, so it never keeps the agents of its process waiting for long,
and one in a hundred while they are behind the log; the list is as old as a sweep takes. Only one worker sweeps; the
others wait for its lock.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from projections.candidates.store import FIRST, lock_sweep, note_sweep, sweep_page, version_of_read_models
from projections.engine.connection import Connection
from projections.identity.resolutions import active_resolution, all_tenants
from services.worker.agent_spec import Connect
from services.worker.background.reconnecting import run_reconnecting
from services.worker.core.sweeping_pace import rest_after

log = structlog.get_logger(__name__)

_PAGE: Final = 200  # customers, which takes about a tenth of a second
_STEP: Final = 1.0  # seconds of a rest after which the agents may no longer be behind
_EVERY: Final = 1.0  # seconds; a connection that is silent for long is ended


class CandidateSweep:
    """Sweeps one generation; see BackgroundService. Between sweeps it waits ``every`` seconds.

    ``agents_behind`` gives how many seconds of the log this worker has still to fold. ``rest`` gives how long to rest
    after a page, by the time that it took and the seconds behind.
    """

    def __init__(
        self,
        connect: Connect,
        agents_behind: Callable[[], float] = lambda: 0.0,
        *,
        every: float = _EVERY,
        page: int = _PAGE,
        rest: Callable[[float, float], float] = rest_after,
    ) -> None:
        self._connect = connect
        self._agents_behind = agents_behind
        self._every = every
        self._page = page
        self._rest = rest

    def wake(self) -> None:
        """No-op: a sweep takes longer than a chunk, so it polls."""

    async def run(self) -> None:
        """Run until cancelled. After an outage of PostgreSQL it starts again."""
        await run_reconnecting(
            self._connect, self._run_alone, every=self._every, interrupted="candidate_sweep_interrupted"
        )

    async def _run_alone(self, connection: Connection) -> None:
        """Wait for the lock, then sweep for as long as the connection holds it."""
        alone, swept = False, None
        while True:
            alone = alone or await lock_sweep(connection)
            if alone and (version := await version_of_read_models(connection)) != swept:
                for tenant in await all_tenants(connection):
                    await self.sweep(connection, tenant)
                swept = version
            await asyncio.sleep(self._every)

    async def sweep(self, connection: Connection, tenant: str) -> None:
        """Go through all customers of a tenant once."""
        began_at, position, customers = time.time_ns() // 1_000_000, FIRST, 0
        while True:
            began = time.monotonic()
            async with connection.transaction(isolation="repeatable_read"):
                resolution = (await active_resolution(connection, tenant)).key
                swept = await sweep_page(connection, resolution, position, self._page)
                if swept.next is None:
                    await note_sweep(connection, tenant, began_at)
            customers += swept.customers
            await self._rest_after(connection, time.monotonic() - began)
            if swept.next is None:
                break
            position = swept.next
        log.debug("candidates_swept", tenant=tenant, customers=customers)

    async def _rest_after(self, connection: Connection, worked: float) -> None:
        """Rest as long as the pace asks for, which may change meanwhile.

        The server is pinged: it gives the lock of a silent session to another.
        """
        began = time.monotonic()
        while True:
            left = self._rest(worked, self._agents_behind()) - (time.monotonic() - began)
            if left <= 0:
                return
            await asyncio.sleep(min(left, _STEP))
            await connection.execute("SELECT 1")
