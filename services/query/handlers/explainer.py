"""Explains identity: why contacts are one customer or not, a customer's links, and the tenant's conflicts.

Everything is read from stored links in one snapshot, and every answer reads a bounded number of rows.
"""

from functools import partial
from typing import Final
from uuid import UUID

from projections.as_of.cutoff import NO_CUTOFF, Cutoff
from projections.as_of.gathering import AnswerAbout
from projections.engine.ids import IdOf
from projections.identity import link_queries
from projections.identity import queries as identity
from projections.identity.conflict_queries import AnyConflictPosition, ConflictOrder, conflicts
from projections.identity.customer_links import BEGINNING, CustomerPage, CustomerPages, CustomerPosition
from projections.identity.exploring import Exploration, Found
from projections.identity.stored_links import with_sources
from projections.identity.tables import MemberRow, SetAsideRow
from services.query.core import identity_views as views
from services.query.core.errors import NotFound
from services.query.core.identity_models import ConflictPage, CustomerLinks, Explanation
from services.query.handlers.customer_lookup import CONTACT, NO_CONTACT, NO_CUSTOMER, CustomerLookup
from services.query.handlers.past import Moments, PastReadModels
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.ports import ReadModels
from services.runtime.auditing import note_ids, note_object

FIRST: Final = BEGINNING
_MOST_SET_ASIDE: Final = 50
_ALONE: Final = Found((), decided_different=False, complete=True)


class Explainer:
    """Answers questions about identity.

    Every method raises NotFound for what this tenant doesn't have, and ReadModelsUnavailable. With a ``cutoff`` it
    answers about a time in the past, and raises TooMuchHistory too.
    """

    def __init__(self, read_models: ReadModels, lookup: CustomerLookup, past: PastReadModels | None = None) -> None:
        self._read_models = read_models
        self._moments = Moments(read_models, past)
        self._lookup = lookup
        self._id_of: IdOf = lookup.id_of

    async def why(self, tenant: str, one: str, other: str, cutoff: Cutoff = NO_CUTOFF) -> Explanation:
        """Why two contacts, by their keys or ids, are one customer or are not; or were, or were not."""
        ids = [self._lookup.contact(tenant, name) for name in (one, other)]
        note_object(CONTACT, *ids)
        async with self._moments.at(tenant, cutoff, lambda: AnswerAbout(frozenset(ids))) as moment:
            keys = await identity.keys_of(moment.connection, tenant, ids)
            if len(keys) < len(set(ids)):
                raise NotFound(NO_CONTACT)
            sides, found = await self._search(moment, ids, keys)
            chain = await with_sources(moment.connection, moment.resolution, found.chain, self._id_of)
            aside = [] if sides.together else await self._set_aside(moment, ids)
        shown = views.Shown(chain, aside)
        return views.why_view(sides, found, shown, self._lookup.policy_in(moment), partial(self._lookup.id_of, tenant))

    async def graph(
        self,
        tenant: str,
        name: str,
        limit: int,
        after: CustomerPosition = BEGINNING,
        cutoff: Cutoff = NO_CUTOFF,
    ) -> CustomerLinks:
        """A page of a customer, by any of its names. Raises Ambiguous, too."""
        async with self._moments.at(tenant, cutoff, lambda: self._lookup.asked(tenant, name)) as moment:
            named = await self._lookup.customer(moment, name)
            policy = self._lookup.policy_in(moment)
            known = await identity.customer_head(moment.connection, moment.resolution, named)
            if known is None:
                return views.links_view(*await self._alone(moment, named), policy)
            head = await self._head(moment, known)
            note_ids(head.customer_id)
            pages = CustomerPages(moment.connection, moment.resolution, policy, self._id_of, head.customer_id)
            return views.links_view(head, await pages.page(after, limit), policy)

    async def conflicts(
        self, tenant: str, limit: int, after: AnyConflictPosition | None = None, order: ConflictOrder = "newest"
    ) -> ConflictPage:
        """A page of what joins nothing in the tenant, after a position in the order."""
        async with snapshot(self._read_models, tenant) as moment:
            rows = await conflicts(moment.connection, moment.resolution, after=after, limit=limit + 1, order=order)
            of_rows = list({row.contact_id for row in rows})
            customers = await identity.customers_of(moment.connection, moment.resolution, of_rows)
        return views.conflicts_view(rows, limit, order, customers, self._lookup.policy_in(moment))

    async def _search(self, moment: Snapshot, ids: list[UUID], keys: dict[UUID, str]) -> tuple[views.Sides, Found]:
        current = await link_queries.current_nodes(moment.connection, moment.resolution, ids)
        customers = await identity.customers_of(moment.connection, moment.resolution, ids)
        one, other = ((keys[it], current[it].session if it in current else "") for it in ids)
        heads = [await identity.customer_head(moment.connection, moment.resolution, it) for it in ids]
        first, second = (head.member_id if head else None for head in heads)
        of_contacts = (customers.get(ids[0], ids[0]), customers.get(ids[1], ids[1]))
        sides = views.Sides(one, other, of_contacts, (first, second))
        if one == other:
            return sides, _ALONE
        components = {it.component_id for it in current.values()}
        policy = self._lookup.policy_in(moment)
        search = Exploration(moment.connection, moment.resolution, policy, self._id_of, components)
        return sides, await search.chain(one, other, together=sides.together)

    async def _set_aside(self, moment: Snapshot, ids: list[UUID]) -> list[SetAsideRow]:
        after = [(contact_id, "", link_queries.BEFORE_ALL) for contact_id in dict.fromkeys(ids)]
        return await link_queries.set_aside_of(moment.connection, moment.resolution, after, _MOST_SET_ASIDE)

    async def _head(self, moment: Snapshot, known: identity.CustomerHead) -> views.ShownCustomer:
        keys = await identity.keys_of(moment.connection, moment.tenant, [known.customer_id])
        written = await identity.member_ids_of(moment.connection, moment.resolution, *known)
        return views.ShownCustomer(known.customer_id, keys.get(known.customer_id), known.member_id, written)

    @staticmethod
    async def _alone(moment: Snapshot, contact_id: UUID) -> tuple[views.ShownCustomer, CustomerPage]:
        """A contact of which nothing was ever stated, as a customer. Raises NotFound if there is no such contact."""
        keys = await identity.keys_of(moment.connection, moment.tenant, [contact_id])
        if not keys or await identity.customers_of(moment.connection, moment.resolution, [contact_id]):
            raise NotFound(NO_CUSTOMER)
        contact = keys[contact_id]
        row = MemberRow(
            *moment.resolution,
            contact_id,
            "",
            contact,
            contact_id,
            contact_id,
            current=True,
            by_claim=None,
            features="",
        )
        return views.ShownCustomer(contact_id, contact, None, ()), CustomerPage([row])
