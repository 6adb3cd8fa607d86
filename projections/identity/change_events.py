"""Changes of membership as events for the topic of customer changes (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from uuid import UUID

from projections.engine.ids import IdOf
from projections.erasures.tables import NEVER
from projections.identity.decided import Decided
from projections.identity.new_evidence import NewEvidence
from projections.identity.resolution.membership_changes import Change, Move, changes
from schemas.changes import MAX_CAUSES, CustomerChange, Moved
from schemas.events.base import Stamp


def change_events(
    tenant: str, decided: Decided, evidence: NewEvidence, version: str, id_of: IdOf
) -> Iterator[CustomerChange]:
    """The changes of customers that evidence causes, without their numbers.

    What no event causes is announced by whoever had it decided, as `takeover` does.
    """
    found = changes_in(tenant, decided, id_of)
    if found:
        causes = _causes(evidence)
        every = cache(lambda: _latest(_every(causes, evidence)))  # read from all of the evidence, once
        for one in found:
            contacts = causes.keys() & {*one.before, *one.after, *(it for move in one.went_to for it in move.contacts)}
            own = {stamp for contact in contacts for stamp in causes[contact]}
            if causes_of_it := _latest(own) if own else every():
                yield change_event(tenant, one, causes_of_it, version)


def changes_in(tenant: str, decided: Decided, id_of: IdOf) -> list[Change]:
    """The changes of membership that were decided."""
    before, after = decided.members_before, decided.members
    erased = {contact for contact, one in decided.updates.contacts.items() if not one.after.known}
    if before == after and erased.isdisjoint(before):
        return []
    if gone := before.keys() - after.keys():
        after = {**{contact: contact for contact in gone}, **after}  # who has no evidence any more is alone
    if erased:
        after = {contact: founder for contact, founder in after.items() if contact not in erased}
    ids = {founder: id_of(tenant, founder) for founder in {*before.values(), *after.values()}}
    return changes(
        {contact: ids[founder] for contact, founder in before.items()},
        {contact: ids[founder] for contact, founder in after.items()},
        {customer_id: founder for founder, customer_id in ids.items()},
    )


def change_event(tenant: str, change: Change, causes: list[Stamp], version: str) -> CustomerChange:
    """The event of a change, without its number. ``causes`` must not be empty; the latest comes first."""
    at, cause = causes[0]
    return CustomerChange(
        tenant=tenant,
        customer_id=_standard(change.customer_id),
        type=change.type,
        at=at,
        cause=cause,
        causes=[event_id for _, event_id in causes],
        policy_version=version,
        before=list(change.before),
        after=list(change.after),
        came_from=[_moved(move) for move in change.came_from],
        went_to=[_moved(move) for move in change.went_to],
    )


def _latest(stamps: Iterable[Stamp]) -> list[Stamp]:
    return sorted(stamps, reverse=True)[:MAX_CAUSES]


def _every(causes: Mapping[str, set[Stamp]], evidence: NewEvidence) -> set[Stamp]:
    return {stamp for stamps in causes.values() for stamp in stamps} | {one.stamp for one in evidence.merges}


def _causes(evidence: NewEvidence) -> dict[str, set[Stamp]]:
    """The new events by or about each contact."""
    erasing = {contact: evidence.listing.get(contact, stamp) for contact, stamp in evidence.erased.items()}
    causes: dict[str, set[Stamp]] = {contact: {stamp} for contact, stamp in erasing.items() if stamp != NEVER}
    for contact, records in evidence.new.items():
        causes.setdefault(contact, set()).update((record.at, event_id) for event_id, record in records.items())
    for contact, stated in evidence.statements.items():
        for named in stated.named:
            causes.setdefault(named, set()).update(causes[contact])
    return causes


def _moved(move: Move) -> Moved:
    return Moved(customer_id=_standard(move.customer_id) if move.customer_id else None, contacts=list(move.contacts))


def _standard(any_uuid: UUID) -> UUID:
    """The database driver has a UUID type of its own, which a strict model refuses."""
    return UUID(bytes=any_uuid.bytes)
