"""What the services of one process share about API keys: their rate limits, the audit trail, and when each was used.

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
from services.control.keys import note_uses
from services.runtime.application import Service
from services.runtime.auditing import AuditTrail
from services.runtime.buckets import Allowance
from services.runtime.cancelling import cancel_all
from services.runtime.database import DATABASE_ERRORS, Engine, open_engine
from services.runtime.rate_limits import RateLimits
from services.runtime.settings import Settings

log = structlog.get_logger(__name__)
_PRUNE_EVERY: Final = 3600.0  # seconds
_NOTE_EVERY: Final = 60.0  # seconds


def access_service(settings: Settings, clock: Callable[[], float] = time.monotonic) -> Service:
    """The guard of all keys. It starts without a database too. ``clock`` gives seconds. Raises MissingSetting."""
    database_url = settings.database_url

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_engine(database_url, name="onefold-audit", max_size=1, statement_timeout=10) as engine:
            limits = RateLimits[bytes](Allowance.of(settings.key_rate, settings.key_burst), clock)
            trail = AuditTrail(partial(save_entries, engine))
            app.state.key_guard = guard = KeyGuard(limits, trail)
            pruning = asyncio.create_task(_prune(engine, timedelta(days=settings.audit_days)))
            noting = asyncio.create_task(keep_noting_uses(engine, guard.used))
            try:
                async with trail.running():
                    yield
            finally:
                await cancel_all(pruning, noting)

    return Service((), lifespan, {})


async def keep_noting_uses(engine: Engine, used: set[bytes], every: float = _NOTE_EVERY) -> None:
    """Write down every so many seconds which keys were used; what can't be written is written the next time."""
    while True:
        await asyncio.sleep(every)
        noted = frozenset(used)
        try:
            if noted:
                await note_uses(engine, noted)
            used -= noted
        except DATABASE_ERRORS as error:
            log.warning("key_uses_not_noted", error=type(error).__name__)


async def _prune(engine: Engine, keep: timedelta) -> None:
    while True:
        try:
            await prune_entries(engine, datetime.now(UTC) - keep)
        except DATABASE_ERRORS as error:
            log.warning("audit_not_pruned", error=type(error).__name__)
        await asyncio.sleep(_PRUNE_EVERY)
