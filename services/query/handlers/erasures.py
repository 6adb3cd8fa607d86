"""Erasing a customer or a contact: shown first, then handed to a worker as a job."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import orjson

from projections.customers.queries import contacts_of
from projections.erasure_orders.store import number_of_events
from projections.identity.queries import keys_of
from schemas.events import ContactRef
from services.control import erasures
from services.control.erasures import RequestedErasure
from services.query.core.erasure_models import ErasurePage, ErasurePreview, ErasureReceipt, ErasureStart, ErasureView
from services.query.core.errors import NotFound
from services.query.handlers.bulk_actions import PreviewOutdated
from services.query.handlers.customer_lookup import CONTACT, NO_CONTACT, NO_CUSTOMER, CustomerLookup
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.ports import ReadModels
from services.runtime.auditing import note_ids, note_object
from services.runtime.database import Engine


class ErasureRequests:
    """Shows whom an erasure would erase, has a worker do it, and shows what came of it.

    ``master`` is the master key. What is about a customer or a contact raises NotFound, and ReadModelsUnavailable.
    """

    def __init__(self, engine: Engine, read_models: ReadModels, lookup: CustomerLookup, master: str) -> None:
        self._engine = engine
        self._read_models = read_models
        self._lookup = lookup
        self._master = master

    async def preview(self, tenant: str, meant: str | ContactRef) -> ErasurePreview:
        """Whom it would erase: all contacts of a customer, given by a name, or one contact. Raises Ambiguous."""
        async with snapshot(self._read_models, tenant) as moment:
            found = await self._contacts(moment, meant)
            note_ids(*found)
            return ErasurePreview(
                contacts=sorted(found.values()),
                events=await number_of_events(moment.connection, tenant, found.keys()),
                token=erasure_token(tenant, found),
            )

    async def start(self, tenant: str, meant: str | ContactRef, wanted: ErasureStart, requested_by: str) -> ErasureView:
        """Have it done. Raises PreviewOutdated, UnknownDeletion and TooManyJobs, and as `preview` does."""
        preview = await self.preview(tenant, meant)
        if wanted.token != preview.token:
            raise PreviewOutdated("the customer has other contacts than the preview showed; look at a new preview")
        added = await erasures.add_erasure(
            self._engine,
            self._master,
            tenant,
            preview.contacts,
            requested_by=requested_by,
            deletion=wanted.deletion,
        )
        return self._view(added)

    async def page(self, tenant: str, limit: int, after: UUID | None) -> ErasurePage:
        """The erasures after that one, the newest first. Raises UnknownErasure."""
        found = await erasures.list_erasures(self._engine, tenant, limit=limit + 1, after=after)
        following = str(found[limit - 1].erasure_id) if len(found) > limit else None
        return ErasurePage(erasures=[self._view(one) for one in found[:limit]], next=following)

    async def erasure(self, tenant: str, erasure_id: UUID) -> ErasureView:
        """One erasure. Raises UnknownErasure."""
        return self._view(await erasures.find_erasure(self._engine, erasure_id, tenant))

    async def _contacts(self, moment: Snapshot, meant: str | ContactRef) -> Mapping[UUID, str]:
        if isinstance(meant, ContactRef):
            note_object(CONTACT)
            ids, missing = self._lookup.ids_of(moment.tenant, meant), NO_CONTACT
        else:
            named = await self._lookup.customer(moment, meant)
            ids, missing = await contacts_of(moment.connection, moment.resolution, named), NO_CUSTOMER
        found = await keys_of(moment.connection, moment.tenant, ids)
        if not found:
            raise NotFound(missing)
        return found

    def _view(self, erasure: RequestedErasure) -> ErasureView:
        return erasure_view(erasure, erasures.public_key(self._master, erasure.tenant))


def erasure_view(erasure: RequestedErasure, public_key: str) -> ErasureView:
    """An erasure as it is answered."""
    return ErasureView(
        id=erasure.erasure_id,
        state="open" if erasure.receipt is None else "done",
        job=erasure.job_id,
        contacts=erasure.contacts,
        deletion=erasure.deletion,
        requested_by=erasure.requested_by,
        requested_at=_ms(erasure.requested_at),
        finished_at=erasure.finished_at and _ms(erasure.finished_at),
        receipt=None if erasure.receipt is None else ErasureReceipt.model_validate(erasure.receipt),
        signature=erasures.signature_text(erasure),
        public_key=public_key,
    )


def erasure_token(tenant: str, contacts: Iterable[UUID]) -> str:
    """Equal for equal contacts of a tenant."""
    return hashlib.sha256(orjson.dumps([tenant, "erase", sorted(map(str, contacts))])).hexdigest()


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
