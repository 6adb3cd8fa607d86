"""Announces that what is used of a quota crossed a threshold: once a crossing, by the active generation alone.

The level that was announced last is in the control schema, beside the outbox: it outlives generations. It is compared
with what is used in one snapshot, and changed with the rows of the outbox in one transaction. So whoever looks again,
whether another worker or a generation that folded the same log, finds nothing to announce.
"""

from projections.engine.connection import Connection
from projections.engine.generations import share
from projections.identity.outbox import append_crossings
from projections.quota.queries import quota_use
from projections.quota.store import announced_level, change_level
from projections.quota.thresholds import crossings, level_of


async def announce_crossings(connection: Connection, tenant: str, at: int) -> int:
    """Announce what a tenant crossed since it was last looked at; how many thresholds that were.

    Call it in a transaction of its own, of isolation READ COMMITTED. ``at`` is the present time in ms.
    """
    await share(connection)
    level = await announced_level(connection, tenant)
    use = await quota_use(connection, tenant)
    if level is None or not use.current or level == level_of(use):
        return 0
    if not await change_level(connection, tenant, level, level_of(use)):
        return 0
    found = list(crossings(tenant, level, use, at))
    await append_crossings(connection, found)
    return len(found)
