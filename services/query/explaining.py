"""Who is who and why: what is remembered of some contacts, resolved again and told.

Each answer is of one moment: everything it rests on is read in one snapshot. What is resolved again is the contacts'
components, and these are cut where too many hold a value, so no crowd is walked.
"""

from functools import partial
from typing import Final
from uuid import UUID

from projections.identity import queries as identity
from projections.identity.resolution.resolution import Resolution
from projections.identity.snapshot import resolution_of
from services.query.core import identity_views as views
from services.query.core.errors import NotFound
from services.query.core.identity_models import ConflictPage, Graph, Why
from services.query.naming import NO_CONTACT, NO_CUSTOMER, Names
from services.query.ports import ReadModels
from services.query.snapshots import Snapshot, snapshot

NEWEST: Final = identity.NEWEST


class Explainer:
    """Answers why. Every method raises NotFound for what this tenant doesn't have, and ReadModelsAway."""

    def __init__(self, read_models: ReadModels, names: Names) -> None:
        self._read_models = read_models
        self._names = names

    async def why(self, tenant: str, one: str, other: str) -> Why:
        """Why two contacts, by their keys or ids, are one customer or are not."""
        ids = [self._names.contact(tenant, name) for name in (one, other)]
        async with snapshot(self._read_models, tenant) as moment:
            keys = await identity.keys_of(moment.connection, tenant, moment.space, ids)
            if len(keys) < len(set(ids)):
                raise NotFound(NO_CONTACT)
            resolution = await self._resolution(moment, keys)
        return views.why_view(resolution, keys[ids[0]], keys[ids[1]], partial(self._names.id_of, tenant))

    async def graph(self, tenant: str, name: str) -> Graph:
        """A customer by any of its names, with its links. Raises Ambiguous, too."""
        async with snapshot(self._read_models, tenant) as moment:
            named = await self._names.customer(moment, name)
            keys = await identity.keys_of(moment.connection, tenant, moment.space, [named])
            if not keys:
                raise NotFound(NO_CUSTOMER)
            resolution = await self._resolution(moment, keys)
        return views.graph_view(resolution, keys[named], partial(self._names.id_of, tenant))

    async def conflicts(self, tenant: str, limit: int, after: identity.Place = NEWEST) -> ConflictPage:
        """A page of the tenant's refused links, newest first."""
        async with snapshot(self._read_models, tenant) as moment:
            rows = await identity.conflicts(moment.connection, moment.space, after=after, limit=limit + 1)
            of_rows = list({row.contact_id for row in rows})
            customers = await identity.customers_of(moment.connection, moment.space, of_rows)
        return views.conflicts_view(rows, limit, customers)

    async def _resolution(self, moment: Snapshot, keys: dict[UUID, str]) -> Resolution:
        return await resolution_of(moment.connection, moment.space, keys, self._names.policy_in(moment))
