"""Explains identity: why contacts are one customer or not, a customer's links, and the tenant's conflicts.

Links are not stored. An answer reads the evidence of the contacts' components in one snapshot and resolves it again.
A component is cut where too many contacts hold a value, so it is small.
"""

from functools import partial
from typing import Final
from uuid import UUID

from projections.identity import queries as identity
from projections.identity.resolution.resolution import Resolution
from projections.identity.snapshot import resolution_of
from services.query.core import identity_views as views
from services.query.core.errors import NotFound
from services.query.core.identity_models import ConflictPage, CustomerLinks, Explanation
from services.query.handlers.customer_lookup import NO_CONTACT, NO_CUSTOMER, CustomerLookup
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.ports import ReadModels

NEWEST: Final = identity.NEWEST


class Explainer:
    """Answers questions about identity.

    Every method raises NotFound for what this tenant doesn't have, and ReadModelsUnavailable.
    """

    def __init__(self, read_models: ReadModels, lookup: CustomerLookup) -> None:
        self._read_models = read_models
        self._lookup = lookup

    async def why(self, tenant: str, one: str, other: str) -> Explanation:
        """Why two contacts, by their keys or ids, are one customer or are not."""
        ids = [self._lookup.contact(tenant, name) for name in (one, other)]
        async with snapshot(self._read_models, tenant) as moment:
            keys = await identity.keys_of(moment.connection, moment.resolution, ids)
            if len(keys) < len(set(ids)):
                raise NotFound(NO_CONTACT)
            resolution = await self._resolution(moment, keys)
        return views.why_view(resolution, keys[ids[0]], keys[ids[1]], partial(self._lookup.id_of, tenant))

    async def graph(self, tenant: str, name: str) -> CustomerLinks:
        """A customer by any of its names, with its links. Raises Ambiguous, too."""
        async with snapshot(self._read_models, tenant) as moment:
            named = await self._lookup.customer(moment, name)
            keys = await identity.keys_of(moment.connection, moment.resolution, [named])
            if not keys:
                raise NotFound(NO_CUSTOMER)
            resolution = await self._resolution(moment, keys)
        return views.graph_view(resolution, keys[named], partial(self._lookup.id_of, tenant))

    async def conflicts(self, tenant: str, limit: int, after: identity.ConflictPosition = NEWEST) -> ConflictPage:
        """A page of the tenant's conflicts, newest first."""
        async with snapshot(self._read_models, tenant) as moment:
            rows = await identity.conflicts(moment.connection, moment.resolution, after=after, limit=limit + 1)
            of_rows = list({row.contact_id for row in rows})
            customers = await identity.customers_of(moment.connection, moment.resolution, of_rows)
        return views.conflicts_view(rows, limit, customers)

    async def _resolution(self, moment: Snapshot, keys: dict[UUID, str]) -> Resolution:
        return await resolution_of(moment.connection, moment.resolution, keys, self._lookup.policy_in(moment))
