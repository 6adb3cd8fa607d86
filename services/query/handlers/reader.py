"""Answers about contacts, customers and their timelines, each as of one moment."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from projections.as_of.cutoff import NO_CUTOFF, Cutoff
from projections.as_of.gathering import AnswerAbout
from projections.contacts.queries import display_names
from projections.customers.folds import states_of, summarise
from projections.customers.queries import LoadedCustomer, addresses_among, contacts_of, load_contact, load_customer
from projections.identity.queries import keys_of
from schemas.events import AccountRef, ContactRef
from services.query.core.errors import NotFound
from services.query.core.models import ContactView, CustomerContacts, CustomerView
from services.query.core.timelines import MOST_BYTES, EntryPage, TimelineQuery, account_page_json, page_json
from services.query.core.views import contact_view, contact_views, customer_view
from services.query.handlers.customer_lookup import CONTACT, NO_CONTACT, NO_CUSTOMER, CustomerLookup
from services.query.handlers.past import Moments, PastReadModels, add_profiles
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.handlers.timeline_pages import AccountTimeline, ContactsTimeline, read_page
from services.query.ports import ReadModels
from services.runtime.auditing import note_ids, note_object


class CustomerReader:
    """Answers questions from the read models, each as of one moment.

    Every method raises NotFound for what this tenant doesn't have, Ambiguous for a name that is several customers',
    and ReadModelsUnavailable. With a ``cutoff`` it answers about a time in the past, and raises TooMuchHistory too.
    """

    def __init__(
        self,
        read_models: ReadModels,
        lookup: CustomerLookup,
        page_bytes: int = MOST_BYTES,
        past: PastReadModels | None = None,
    ) -> None:
        """``page_bytes`` bounds the events' data on one page of a timeline."""
        self._read_models = read_models
        self._moments = Moments(read_models, past)
        self._lookup = lookup
        self._page_bytes = page_bytes

    async def contact(self, tenant: str, contact: ContactRef, now: int, cutoff: Cutoff = NO_CUTOFF) -> ContactView:
        """One contact, as it is at this moment, or as it was."""
        contact_ids = self._lookup.ids_of(tenant, contact)
        async with self._moments.at(tenant, cutoff, lambda: AnswerAbout(frozenset(contact_ids))) as moment:
            policy = self._lookup.policy_in(moment)
            for contact_id in contact_ids:
                if cutoff:
                    await add_profiles(moment, contact_id)
                loaded = await load_contact(moment.connection, moment.resolution, policy, contact_id)
                if loaded is not None:
                    note_object(CONTACT, contact_id)
                    states = states_of(loaded.contacts, cutoff.moment(now))
                    (state,) = (one for one in states if one.record.contact.contact_id == contact_id)
                    return contact_view(state, loaded.customer_id)
            raise NotFound(NO_CONTACT)

    async def customer(self, tenant: str, name: str, now: int, cutoff: Cutoff = NO_CUTOFF) -> CustomerView:
        """A customer by any of its names, with what its contacts add up to."""
        loaded = await self._load(tenant, name, cutoff)
        contacts = states_of(loaded.contacts, cutoff.moment(now))
        return customer_view(summarise(loaded.identity, contacts), contacts)

    async def contacts(self, tenant: str, name: str, now: int, cutoff: Cutoff = NO_CUTOFF) -> CustomerContacts:
        """A customer's contacts, in the order of their keys."""
        loaded = await self._load(tenant, name, cutoff)
        customer_id = loaded.identity.customer_id
        states = states_of(loaded.contacts, cutoff.moment(now))
        return CustomerContacts(id=customer_id, contacts=contact_views(states, customer_id))

    async def names(self, tenant: str, contacts: Collection[str]) -> dict[str, str | None]:
        """What contacts, by their keys, are called; unknown ones are left out."""
        ids = {self._lookup.id_of(tenant, key): key for key in contacts}
        async with snapshot(self._read_models, tenant) as moment:
            found = await display_names(moment.connection, tenant, list(ids))
        return {ids[contact_id]: name for contact_id, name in found.items()}

    async def contact_timeline(
        self, tenant: str, contact: ContactRef, wanted: TimelineQuery, cutoff: Cutoff = NO_CUTOFF
    ) -> bytes:
        """A page of what happened with one contact, as JSON."""
        contact_ids = self._lookup.ids_of(tenant, contact)
        async with self._moments.at(tenant, cutoff, lambda: AnswerAbout(frozenset(contact_ids))) as moment:
            note_object(CONTACT, contact_ids[0])
            page = await self._page(moment, contact_ids, wanted, contact_ids if contact.channel == "whatsapp" else ())
            if not page.entries and not await keys_of(moment.connection, tenant, contact_ids):
                raise NotFound(NO_CONTACT)
        return page_json(page)

    async def account_events(self, tenant: str, account: AccountRef, wanted: TimelineQuery) -> bytes:
        """A page of what happened on an account and to no contact, as JSON; an unknown account has none."""
        async with snapshot(self._read_models, tenant) as moment:
            page = await read_page(AccountTimeline(moment, account), wanted, self._page_bytes)
        return account_page_json(page)

    async def customer_timeline(
        self, tenant: str, name: str, wanted: TimelineQuery, cutoff: Cutoff = NO_CUTOFF
    ) -> bytes:
        """A page of what happened with all of a customer's contacts, merged, as JSON."""
        async with self._moments.at(tenant, cutoff, lambda: self._lookup.asked(tenant, name)) as moment:
            named = await self._lookup.customer(moment, name)
            contacts = await contacts_of(moment.connection, moment.resolution, named)
            if not contacts:
                raise NotFound(NO_CUSTOMER)
            page = await self._page(moment, contacts, wanted, [named])
        return page_json(page)

    async def _load(self, tenant: str, name: str, cutoff: Cutoff) -> LoadedCustomer:
        async with self._moments.at(tenant, cutoff, lambda: self._lookup.asked(tenant, name)) as moment:
            named = await self._lookup.customer(moment, name)
            if cutoff:
                await add_profiles(moment, named)
            policy = self._lookup.policy_in(moment)
            loaded = await load_customer(moment.connection, moment.resolution, policy, named)
            if loaded is None:
                raise NotFound(NO_CUSTOMER)
            note_ids(loaded.identity.customer_id)
            return loaded

    async def _page(
        self, moment: Snapshot, members: Sequence[UUID], wanted: TimelineQuery, owners: Iterable[UUID]
    ) -> EntryPage:
        """A page of the contacts' events. ``owners`` are ids of the customers whose addresses may be among them."""
        policy = self._lookup.policy_in(moment)
        addresses = [
            address
            for one in owners
            for address in await addresses_among(moment.connection, moment.resolution, policy, one)
        ]
        return await read_page(ContactsTimeline(moment, tuple(members), addresses), wanted, self._page_bytes)
