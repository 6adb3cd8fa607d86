"""Adopting a policy: a second space is built beside the live one, and takes its place once it has everything.

It is built from the live space's statements, some at a time, while evidence goes on coming into both; a fold of
statements doesn't mind their order nor their repetition, so whatever is cut short is simply gone on with. Each step is
alone with the tenant's identity, for a moment; other tenants' evidence waits for such a moment at most. The change
itself is one row's, in one transaction with what is told of it. What is left behind goes when nobody reads it any more.
"""

import asyncio
from typing import Any, Final

import structlog

from projections.engine.ids import IdOf
from projections.identity import cutover as swapping
from projections.identity import resolutions as spaces
from projections.identity import store
from projections.identity.adapters import PostgresIdentities
from projections.identity.change_events import told_of
from projections.identity.handlers import save_statements
from projections.identity.policies import rules_of
from projections.identity.resolution.membership_changes import changes
from projections.identity.resolutions import PolicyRow, ResolutionRow
from projections.identity.statements import Statement, record_of
from services.runtime.database import is_transient
from services.worker.agent_spec import Connect

log = structlog.get_logger(__name__)

_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('onefold.adopter'), hashtext(current_schema()))"
_STATEMENTS: Final = 500  # at a time, which takes a tenth of a second
_ROWS: Final = 2000
_READERS_LEAVE_WITHIN: Final = 30.0  # seconds; a reader's statement is given five


class PolicyRollout:
    """Adopts the policies that tenants set, in one generation; see BackgroundService. One works at a time.

    ``every`` is how many seconds nothing is looked at, ``keep`` how many a space is kept after it was left.
    """

    def __init__(
        self, connect: Connect, id_of: IdOf, region: str, *, every: float, keep: float = _READERS_LEAVE_WITHIN
    ) -> None:
        self._connect = connect
        self._id_of = id_of
        self._region = region
        self._every = every
        self._keep = keep

    def wake(self) -> None:
        """A policy is seldom set: it is found soon enough."""

    async def run(self) -> None:
        """Adopt for as long as the task lives; an outage makes it begin anew."""
        while True:
            try:
                async with self._connect() as connection:
                    await self._adopt_alone(connection)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("adopter_interrupted", error=type(error).__name__)
            await asyncio.sleep(self._every)

    async def _adopt_alone(self, connection: Any) -> None:
        """Wait for the lock, and adopt for as long as the connection holds it."""
        alone = False
        while True:
            alone = alone or await connection.fetchval(_LOCK)
            if alone:
                await self.adopt_all(connection)
            await asyncio.sleep(self._every)

    async def adopt_all(self, connection: Any) -> None:
        """Bring every tenant to the policy that is in force for it, and clear away what nobody reads any more."""
        for tenant in await swapping.tenants_to_adopt(connection):
            await self._adopt(connection, tenant)
        for space in await swapping.left_behind(connection, self._keep):
            left = 1
            while left:
                left = await swapping.clear_some(connection, space, _ROWS)

    async def _adopt(self, connection: Any, tenant: str) -> None:
        (policy,) = await spaces.policies_of(connection, tenant, 1)
        async with connection.transaction():
            await spaces.take(connection, tenant)
            space = await swapping.begin(connection, policy)
        log.info("policy_adoption_begun", tenant=tenant, statements=space.total, done=space.done)
        while (more := await self._take_over(connection, space)) is not None:
            space = more
        async with connection.transaction():
            await spaces.take(connection, tenant)
            told = await self._swap(connection, space, policy)
        log.info("policy_adopted", tenant=tenant, changes=told)

    async def _take_over(self, connection: Any, space: ResolutionRow) -> ResolutionRow | None:
        """Some more of the live space's statements; None once there are no more."""
        async with connection.transaction():
            await spaces.take(connection, space.tenant)
            found = {one.live: one for one in await spaces.spaces_of(connection, [space.tenant])}
            rows = await swapping.statements_after(connection, found[True].name, space, _STATEMENTS)
            if not rows:
                return None
            said = [
                Statement((space.name, row.contact_id), contact, row.event_id, record_of(row)) for contact, row in rows
            ]
            rules = rules_of([found[False]], self._id_of, self._region)
            await save_statements(PostgresIdentities(connection), said, rules)
            return await swapping.note(connection, space, rows[-1][1], len(rows))

    async def _swap(self, connection: Any, space: ResolutionRow, policy: PolicyRow) -> int:
        """Make the space the live one, and tell what that changes in who is who; how many changes that is."""
        live = await spaces.live_space(connection, space.tenant)
        moved = await swapping.differences(connection, live.name, space.name)
        before = {one.contact: one.held for one in moved if one.held is not None}
        after = {one.contact: one.holds for one in moved}
        found = changes(before, after, {one.contact_id: one.contact for one in moved})
        cause = [(policy.at, policy.event_id)]
        await store.tell(connection, [told_of(space.tenant, one, cause, space.version) for one in found])
        await swapping.swap(connection, live, space)
        return len(found)
