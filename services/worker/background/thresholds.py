"""Has the thresholds of quotas announced: for the one worker that composes, a look a second."""

import time
from collections.abc import Iterable
from typing import Final

import structlog

from projections.engine.connection import Connection
from projections.identity.outbox import is_active
from projections.quota.announcing import announce_crossings
from projections.settings.queries import all_quotas

log = structlog.get_logger(__name__)

_MS: Final = 1_000_000  # in ns


class QuotaThresholds:
    """Looks at the tenants whose contacts or whose limit changed since it last did; the first time at all."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}  # the event that set the limit, by tenant
        self._changed: set[str] = set()

    def note(self, tenants: Iterable[str]) -> None:
        """What is used of these tenants' quotas may have changed."""
        self._changed.update(tenants)

    async def look(self, connection: Connection) -> None:
        """Announce what was crossed; nothing while another generation is the active one.

        A tenant whose customers are still being composed is noted again when they are.
        """
        quotas = await all_quotas(connection) if await is_active(connection) else {}
        due = {one for one, event in quotas.items() if one in self._changed or self._seen.get(one) != event}
        for tenant in sorted(due):
            async with connection.transaction():
                found = await announce_crossings(connection, tenant, time.time_ns() // _MS)
            if found:
                log.info("quota_crossed", thresholds=found)
        self._seen = quotas
        self._changed.clear()
