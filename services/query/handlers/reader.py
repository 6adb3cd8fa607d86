"""Answers about contacts, customers and their timelines, each as of one moment."""

from collections.abc import Sequence
from uuid import UUID

from projections.contacts.queries import ContactRecord, cards, unseen
from projections.identity.queries import Member, keys_of, together
from projections.timeline import queries as timeline
from schemas.events import ContactRef
from services.query.core.errors import NotFound
from services.query.core.models import Contact, Customer, CustomerContacts
from services.query.core.rollup import Known, contacts_view, customer_view
from services.query.core.timelines import MOST_BYTES, TimelineQuery, page_json
from services.query.core.views import contact_view
from services.query.handlers.customer_lookup import NO_CONTACT, NO_CUSTOMER, CustomerLookup
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.ports import ReadModels


class Reader:
    """Answers questions from the read models, each as of one moment.

    Every method raises NotFound for what this tenant doesn't have, Ambiguous for a name that is several customers',
    and ReadModelsUnavailable.
    """

    def __init__(self, read_models: ReadModels, lookup: CustomerLookup, page_bytes: int = MOST_BYTES) -> None:
        """``page_bytes`` bounds the events' data on one page of a timeline."""
        self._read_models = read_models
        self._lookup = lookup
        self._page_bytes = page_bytes

    async def contact(self, tenant: str, contact: ContactRef, now: int) -> Contact:
        """One contact, as it is at this moment."""
        contact_id = self._lookup.id_of(tenant, contact.key)
        async with snapshot(self._read_models, tenant) as moment:
            found = await cards(moment.connection, tenant, moment.space, [contact_id]) or [
                one
                for one in _unseen(tenant, await together(moment.connection, moment.space, contact_id))
                if one.contact.contact_id == contact_id
            ]
        if not found:
            raise NotFound(NO_CONTACT)
        return contact_view(found[0], found[0].customer_id, now)

    async def customer(self, tenant: str, name: str, now: int) -> Customer:
        """A customer by any of its names, with what its contacts add up to."""
        known, found = await self._cards_of(tenant, name)
        return customer_view(known, found, now)

    async def contacts(self, tenant: str, name: str, now: int) -> CustomerContacts:
        """A customer's contacts."""
        known, found = await self._cards_of(tenant, name)
        return CustomerContacts(id=known.customer_id, contacts=contacts_view(known.customer_id, found, now))

    async def contact_timeline(self, tenant: str, contact: ContactRef, wanted: TimelineQuery) -> bytes:
        """A page of what happened with one contact, as JSON."""
        contact_id = self._lookup.id_of(tenant, contact.key)
        async with snapshot(self._read_models, tenant) as moment:
            entries = await self._page(moment, [contact_id], wanted)
            if not entries and not await keys_of(moment.connection, tenant, moment.space, [contact_id]):
                raise NotFound(NO_CONTACT)
        return page_json(entries)

    async def customer_timeline(self, tenant: str, name: str, wanted: TimelineQuery) -> bytes:
        """A page of what happened with all of a customer's contacts, merged, as JSON."""
        async with snapshot(self._read_models, tenant) as moment:
            named = await self._lookup.customer(moment, name)
            members = [one.contact_id for one in await together(moment.connection, moment.space, named)]
            entries = await self._page(moment, members or [named], wanted)
            if not entries and not members and not await keys_of(moment.connection, tenant, moment.space, [named]):
                raise NotFound(NO_CUSTOMER)
        return page_json(entries)

    async def _cards_of(self, tenant: str, name: str) -> tuple[Known, list[ContactRecord]]:
        async with snapshot(self._read_models, tenant) as moment:
            named = await self._lookup.customer(moment, name)
            members = await together(moment.connection, moment.space, named)
            ids = [one.contact_id for one in members] or [named]
            found = await cards(moment.connection, tenant, moment.space, ids)
        seen = {card.contact.contact_id for card in found}
        found += _unseen(tenant, [one for one in members if one.contact_id not in seen])
        if not found:
            raise NotFound(NO_CUSTOMER)
        return Known(*members[0][2:]) if members else Known(named), found

    async def _page(self, moment: Snapshot, members: Sequence[UUID], wanted: TimelineQuery) -> list[timeline.Entry]:
        return await timeline.page(
            moment.connection,
            moment.tenant,
            members,
            after=wanted.after,
            types=wanted.types,
            limit=wanted.limit,
            most_bytes=self._page_bytes,
        )


def _unseen(tenant: str, members: Sequence[Member]) -> list[ContactRecord]:
    return [unseen(tenant, one.contact_id, one.contact, one.customer_id) for one in members]
