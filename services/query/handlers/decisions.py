"""Lists what people decided: of pairs of contacts, and of member ids. Each can be taken back by another event."""

from collections.abc import Sequence
from typing import Final

from projections.customers.queries import contacts_of
from projections.identity import decision_queries as queries
from projections.identity.decision_queries import DecisionPosition, MergePosition, StoredDecision
from projections.identity.queries import customer_head, customers_of
from services.query.core import cursors
from services.query.core.decision_models import (
    DecisionPage,
    DecisionsOfCustomer,
    ListedDecision,
    MergePage,
    listed_decision,
    listed_merge,
)
from services.query.core.errors import NotFound
from services.query.handlers.customer_lookup import NO_CUSTOMER, CustomerLookup
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.ports import ReadModels
from services.runtime.auditing import note_ids

NEWEST: Final = queries.NEWEST_DECISION
NEWEST_MERGE: Final = queries.NEWEST_MERGE
_MOST_OF_A_CUSTOMER: Final = 100


class Decisions:
    """Answers for one tenant at a time. Raises ReadModelsUnavailable."""

    def __init__(self, read_models: ReadModels, lookup: CustomerLookup) -> None:
        self._read_models = read_models
        self._lookup = lookup

    async def page(self, tenant: str, limit: int, after: DecisionPosition = NEWEST) -> DecisionPage:
        """A page of decisions, newest first."""
        async with snapshot(self._read_models, tenant) as moment:
            rows = await queries.decisions(moment.connection, moment.resolution, after, limit + 1)
            shown = await self._listed(moment, rows[:limit])
        last = rows[limit - 1].position if len(rows) > limit else None
        return DecisionPage(decisions=shown, next=cursors.write_decision(last) if last else None)

    async def merges(self, tenant: str, limit: int, after: MergePosition = NEWEST_MERGE) -> MergePage:
        """A page of merges of member ids, newest first."""
        async with snapshot(self._read_models, tenant) as moment:
            rows = await queries.merges(moment.connection, tenant, after, limit + 1)
        last = rows[limit - 1].position if len(rows) > limit else None
        return MergePage(
            merges=[listed_merge(one) for one in rows[:limit]], next=cursors.write_version(*last) if last else None
        )

    async def of_customer(self, tenant: str, name: str) -> DecisionsOfCustomer:
        """The latest about a customer, by any of its names. Raises NotFound, and Ambiguous."""
        most = _MOST_OF_A_CUSTOMER
        async with snapshot(self._read_models, tenant) as moment:
            named = await self._lookup.customer(moment, name)
            contacts = await contacts_of(moment.connection, moment.resolution, named)
            if not contacts:
                raise NotFound(NO_CUSTOMER)
            note_ids(named)
            decided = await queries.decisions_about(moment.connection, moment.resolution, contacts, most + 1)
            head = await customer_head(moment.connection, moment.resolution, named)
            member_id = head.member_id if head else None
            merged = (
                await queries.merges_into(moment.connection, moment.resolution, member_id, most + 1)
                if member_id is not None
                else []
            )
            shown = await self._listed(moment, decided[:most])
        return DecisionsOfCustomer(
            decisions=shown,
            merges=[listed_merge(one) for one in merged[:most]],
            complete=max(len(decided), len(merged)) <= most,
        )

    @staticmethod
    async def _listed(moment: Snapshot, rows: Sequence[StoredDecision]) -> list[ListedDecision]:
        ids = {one for row in rows for one in (row.a_id, row.b_id)}
        customers = await customers_of(moment.connection, moment.resolution, list(ids))
        return [listed_decision(one, customers) for one in rows]
