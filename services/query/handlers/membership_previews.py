"""Previews of commands: what a merge of members, or a decision of staff, would change in who is one customer."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from projections.identity.preview import MembershipPreview, TooManyContacts, preview_events
from projections.identity.queries import keys_of
from projections.identity.rules import PolicyInForce
from schemas.events import ContactRef, Event
from services.query.core.errors import NotFound
from services.query.core.membership_previews import (
    MembershipChanges,
    MergePair,
    WishedDecision,
    changes_view,
    decision_event,
    merge_events,
)
from services.query.core.references import contact
from services.query.handlers.customer_lookup import NO_CONTACT, CustomerLookup
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.ports import EvidenceTooLarge, PreviewBusy, ReadModels


class MembershipPreviews:
    """Answers one preview at a time, each in a snapshot that writes nothing.

    Every method raises PreviewBusy, EvidenceTooLarge and ReadModelsUnavailable.
    """

    def __init__(self, read_models: ReadModels, lookup: CustomerLookup) -> None:
        self._read_models = read_models
        self._lookup = lookup
        self._free = asyncio.Semaphore(1)

    async def merges(self, tenant: str, pairs: Sequence[MergePair], now: int) -> MembershipChanges:
        """What merging member ids would change. Raises NoMerge."""
        async with snapshot(self._read_models, tenant) as moment:
            events = merge_events(tenant, pairs, self._lookup.policy_in(moment), now)
            return await self._preview(moment, events)

    async def decision(self, tenant: str, wished: WishedDecision, now: int) -> MembershipChanges:
        """What a decision of staff would change. Raises NotFound for a contact that there is not."""
        ids = [self._lookup.contact(tenant, name) for name in (wished.a, wished.b)]
        async with snapshot(self._read_models, tenant) as moment:
            a, b = await self._contacts(moment, ids)
            return await self._preview(moment, [decision_event(tenant, a, b, wished.decision, now)])

    async def _contacts(self, moment: Snapshot, ids: Sequence[UUID]) -> list[ContactRef]:
        keys = await keys_of(moment.connection, moment.tenant, ids)
        if len(keys) < len(ids):
            raise NotFound(NO_CONTACT)
        return [contact(*keys[one].split(":", 2)) for one in ids]

    async def _preview(self, moment: Snapshot, events: Sequence[Event]) -> MembershipChanges:
        if self._free.locked():
            raise PreviewBusy(PreviewBusy.__doc__)
        async with self._free:
            found = await self._decide(moment, events)
        return changes_view(found)

    async def _decide(self, moment: Snapshot, events: Sequence[Event]) -> MembershipPreview:
        policy = PolicyInForce(moment.active.version, self._lookup.policy_in(moment))
        try:
            return await preview_events(moment.connection, moment.resolution, policy, events, self._lookup.id_of)
        except TooManyContacts as error:
            raise EvidenceTooLarge(str(error)) from error
