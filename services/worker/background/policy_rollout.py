"""Policy rollout: builds a resolution by a tenant's new policy, and makes it the active one once it is complete.

It is built from the recorded evidence, in small batches, while the agent saves new evidence into
both. A fold of statements depends on neither order nor repetition, so a rollout that is interrupted simply continues.
Each batch locks the tenant's identity for a moment, which is how long evidence of other tenants waits at most. The
switch is one transaction, together with the changes that it causes. The old resolution is deleted once no reader can
use it.
"""

import asyncio
from typing import Final

import structlog

from projections.engine.connection import Connection
from projections.engine.generations import share
from projections.engine.ids import IdOf
from projections.identity import resolutions
from projections.identity.change_events import change_event
from projections.identity.handlers import save_evidence
from projections.identity.keys import ResolutionKey
from projections.identity.new_evidence import NewEvidence
from projections.identity.outbox import append_to_outbox
from projections.identity.policies import rules_of
from projections.identity.resolution.membership_changes import changes
from projections.identity.resolution.statements import EventRecord
from projections.identity.store.evidence import all_merges, record_in, statements_after
from projections.identity.store.resolutions import contacts_without_state, delete_some, reassigned
from projections.identity.tables import PolicyRow, ResolutionRow, StatementRow
from services.worker.agent_spec import Connect
from services.worker.background.reconnecting import run_reconnecting

log = structlog.get_logger(__name__)

_BATCH: Final = 500  # statements, which takes a tenth of a second
_DELETED_AT_ONCE: Final = 2000  # rows a table
_READ_WITHIN: Final = 30.0  # seconds; a reader's statement may take five


class PolicyRollout:
    """Rolls out the policies that tenants set, in one generation; see BackgroundService. One is active at a time.

    It polls each ``every`` seconds, folds ``batch`` statements at once, and deletes a resolution that was retired
    ``keep`` seconds ago, ``deleted_at_once`` rows a table at a time.
    """

    def __init__(  # noqa: PLR0913 - each has a default but what it works with
        self,
        connect: Connect,
        id_of: IdOf,
        region: str,
        *,
        every: float,
        keep: float = _READ_WITHIN,
        batch: int = _BATCH,
        deleted_at_once: int = _DELETED_AT_ONCE,
    ) -> None:
        self._connect = connect
        self._id_of = id_of
        self._region = region
        self._every = every
        self._keep = keep
        self._batch = batch
        self._deleted_at_once = deleted_at_once

    def wake(self) -> None:
        """No-op: policy changes are rare, polling is enough."""

    async def run(self) -> None:
        """Run until cancelled. After an outage of PostgreSQL it starts again."""
        await run_reconnecting(
            self._connect, self._run_alone, every=self._every, interrupted="policy_rollout_interrupted"
        )

    async def _run_alone(self, connection: Connection) -> None:
        """Wait for the lock, then roll out for as long as the connection holds it."""
        alone = False
        while True:
            alone = alone or await resolutions.lock_rollout(connection)
            if alone:
                await self.roll_out_all(connection)
            await asyncio.sleep(self._every)

    async def roll_out_all(self, connection: Connection) -> None:
        """Bring every tenant to its policy in force, and delete resolutions that nobody reads any more."""
        for tenant in await resolutions.tenants_to_roll_out(connection):
            await self._roll_out(connection, tenant)
        for retired in await resolutions.retired_for(connection, self._keep):
            while await delete_some(connection, retired, self._deleted_at_once):
                pass
            await resolutions.delete(connection, retired)

    async def _roll_out(self, connection: Connection, tenant: str) -> None:
        (policy,) = await resolutions.policies_of(connection, tenant, 1)
        async with connection.transaction():
            await resolutions.lock(connection, tenant)
            building = await resolutions.begin(connection, policy)
        log.info("policy_rollout_began", tenant=tenant, statements=building.total, done=building.done)
        while (progress := await self.fold_batch(connection, building)) is not None:
            building = progress
        async with connection.transaction():
            await share(connection)
            await resolutions.lock(connection, tenant)
            number = await self._activate(connection, building, policy)
        log.info("policy_rollout_ended", tenant=tenant, changes=number)

    async def fold_batch(self, connection: Connection, building: ResolutionRow) -> ResolutionRow | None:
        """Fold some more of the tenant's evidence, in one transaction; None once all is folded."""
        async with connection.transaction():
            tenant = building.tenant
            await resolutions.lock(connection, tenant)
            found = await resolutions.resolutions_in_use(connection, [tenant])
            rows = await statements_after(connection, tenant, resolutions.position_of(building), self._batch)
            evidence = await self._evidence(connection, building, rows)
            if evidence:
                policies = rules_of([one for one in found if not one.active], self._region)
                await save_evidence(connection, dict.fromkeys(policies, evidence), policies, self._id_of)
            return await resolutions.note_progress(connection, building, rows[-1], len(rows)) if rows else None

    @staticmethod
    async def _evidence(connection: Connection, building: ResolutionRow, rows: list[StatementRow]) -> NewEvidence:
        """The rows as evidence; the first ones with all that was stated of member ids that became another's."""
        records: dict[str, dict[str, EventRecord]] = {}
        for row in rows:
            records.setdefault(row.contact, {})[row.event_id] = record_in(row)
        merges = await all_merges(connection, building.tenant) if not building.position else []
        return NewEvidence(records, {}, tuple(merges), frozenset(one.member_id for one in merges))

    async def _keep_contacts(self, connection: Connection, active: ResolutionKey, building: ResolutionKey) -> None:
        """Give the contacts a row whose evidence was superseded before: consumers know them as customers."""
        contacts = await contacts_without_state(connection, active, building.resolution_id)
        if contacts:
            found = await resolutions.resolutions_in_use(connection, [building.tenant])
            policies = rules_of([one for one in found if not one.active], self._region)
            evidence = NewEvidence({}, {contact: {} for contact in contacts})
            await save_evidence(connection, {building: evidence}, policies, self._id_of)

    async def _activate(self, connection: Connection, building: ResolutionRow, policy: PolicyRow) -> int:
        """Make the resolution the active one and announce the changes. Returns how many changes there are."""
        active = await resolutions.active_resolution(connection, building.tenant)
        key = ResolutionKey(building.tenant, building.resolution_id)
        await self._keep_contacts(connection, active.key, key)
        moved = await reassigned(connection, building.tenant, active.resolution_id, key.resolution_id)
        before = {one.contact: one.before for one in moved if one.before is not None}
        after = {one.contact: one.after for one in moved}
        found = changes(before, after, {one.contact_id: one.contact for one in moved})
        cause = [(policy.at, policy.event_id)]
        events = [change_event(building.tenant, one, cause, building.version) for one in found]
        await append_to_outbox(connection, events)
        await resolutions.activate(connection, active, building)
        return len(found)
