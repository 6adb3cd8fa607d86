"""Answers whether messages may be sent: to one contact, or to a list of any length, by the batch."""

from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple
from uuid import UUID

from projections.contacts.addresses import address_of, addresses_of
from projections.customers.loading import load_neighbours
from projections.engine.store import load
from projections.erasures.tables import NEVER
from projections.erasures.tables import TABLE as ERASURES
from projections.quota.queries import QuotaBoundary, boundary_of, customer_places
from projections.quota.sending import ERASED, UNKNOWN, Recipient, SendPurpose, refusals
from projections.settings.queries import quota_setting
from schemas.events import ContactRef
from services.query.core.send_models import SendAnswer, ref_of
from services.query.handlers.customer_lookup import CONTACT, CustomerLookup
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.ports import ReadModels
from services.runtime.auditing import note_object

BATCH: Final = 500  # contacts that are looked up together


class _Found(NamedTuple):
    recipients: dict[UUID, Recipient]
    erased: frozenset[UUID]
    boundary: QuotaBoundary


class SendChecks:
    """Answers for one tenant at a time. Raises ReadModelsUnavailable."""

    def __init__(self, read_models: ReadModels, lookup: CustomerLookup) -> None:
        self._read_models = read_models
        self._lookup = lookup

    async def check(self, tenant: str, names: Sequence[str], purpose: SendPurpose) -> list[SendAnswer]:
        """The answers about contacts, given by their keys, in the same order: as of one moment."""
        refs = [ref_of(name) for name in names]
        ids = [self._lookup.ids_of(tenant, ref) if ref is not None else [] for ref in refs]
        async with snapshot(self._read_models, tenant) as moment:
            found = await self._find(moment, {one for of in ids for one in of})
        answers = []
        for name, candidates in zip(names, ids, strict=True):
            known = next((found.recipients[one] for one in candidates if one in found.recipients), None)
            if known is not None:
                reasons = refusals(known, purpose, found.boundary)
            else:
                reasons = UNKNOWN if found.erased.isdisjoint(candidates) else ERASED
            answers.append(SendAnswer(contact=name, purpose=purpose, allowed=not reasons, reasons=reasons))
        return answers

    async def check_one(self, tenant: str, contact: ContactRef, purpose: SendPurpose) -> SendAnswer:
        """The answer about one contact."""
        note_object(CONTACT, self._lookup.ids_of(tenant, contact)[0])
        (answer,) = await self.check(tenant, [contact.key], purpose)
        return answer

    async def check_all(
        self, tenant: str, pages: AsyncIterator[Iterable[str]], purpose: SendPurpose
    ) -> AsyncIterator[list[SendAnswer]]:
        """The answers about a list, in its order, page by page as it comes; each batch is as of one moment."""
        async for page in pages:
            names = iter(page)
            while some := list(islice(names, BATCH)):
                yield await self.check(tenant, some, purpose)

    async def _find(self, moment: Snapshot, contact_ids: set[UUID]) -> _Found:
        connection, tenant = moment.connection, moment.tenant
        boundary = await boundary_of(connection, tenant, await quota_setting(connection, tenant))
        policy = self._lookup.policy_in(moment)
        customers = await load_neighbours(connection, moment.resolution, policy, contact_ids)
        erasures = await load(connection, ERASURES, [(tenant, one) for one in contact_ids])
        erased = {key for key, row in erasures.items() if row.stamp != NEVER}
        places = await customer_places(connection, tenant, customers) if boundary.customer is not None else {}
        recipients: dict[UUID, Recipient] = {}
        for customer_id, contacts in customers.items():
            records = {one.record.key: one.record for one in contacts}
            for keys in addresses_of({one.record.key: one.intrinsic for one in contacts}):
                of_address = [records[key] for key in keys]
                address = address_of(of_address)
                for record in of_address:
                    contact_id = record.contact.contact_id
                    gone = (tenant, contact_id) in erased
                    recipients[contact_id] = Recipient(of_address, address, gone, places.get(customer_id))
        return _Found(recipients, frozenset(contact_id for _, contact_id in erased), boundary)
