"""What the services of one process share about API keys: their rate limits, and the audit trail.

It is a service of every application that has routes with keys, and the first: the others find the guard in the
application's state, and the trail ends after them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from fastapi import FastAPI

from services.control.audit import prune_entries, save_entries
from services.control.auth import KeyGuard
from services.runtime.application import Service
from services.runtime.auditing import AuditTrail
from services.runtime.buckets import Allowance
from services.runtime.cancelling import cancel_all
from services.runtime.database import DATABASE_ERRORS, Engine, open_engine
from services.runtime.rate_limits import RateLimits
from services.runtime.settings import Settings

log = structlog.get_logger(__name__)
_PRUNE_EVERY: Final = 3600.0  # seconds


def access_service(settings: Settings, clock: Callable[[], float] = time.monotonic) -> Service:
    """The guard of all keys. It starts without a database too. ``clock`` gives seconds. Raises MissingSetting."""
    database_url = settings.database_url

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_engine(database_url, name="onefold-audit", max_size=1, statement_timeout=10) as engine:
            limits = RateLimits[bytes](Allowance.of(settings.key_rate, settings.key_burst), clock)
            trail = AuditTrail(partial(save_entries, engine))
            app.state.key_guard = KeyGuard(limits, trail)
            pruning = asyncio.create_task(_prune(engine, timedelta(days=settings.audit_days)))
            try:
                async with trail.running():
                    yield
            finally:
                await cancel_all(pruning)

    return Service((), lifespan, {})


async def _prune(engine: Engine, keep: timedelta) -> None:
    while True:
        try:
            await prune_entries(engine, datetime.now(UTC) - keep)
        except DATABASE_ERRORS as error:
            log.warning("audit_not_pruned", error=type(error).__name__)
        await asyncio.sleep(_PRUNE_EVERY)
