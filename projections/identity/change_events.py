"""Changes of membership as events for the topic of customer changes."""

from collections.abc import Iterable
from uuid import UUID

from projections.identity.affected import Causes
from projections.identity.keys import ContactKey
from projections.identity.resolution.membership_changes import Change, Move
from schemas.changes import MAX_CAUSES, CustomerChange, Moved
from schemas.events.base import Stamp


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


def latest_causes(causes: Causes, contacts: Iterable[ContactKey]) -> list[Stamp]:
    """The events that affected any of the contacts, the latest first; if none did, those that affected any other."""
    stamps = {stamp for one in contacts for stamp in causes.get(one, ())}
    if not stamps:
        stamps = {stamp for found in causes.values() for stamp in found}
    return sorted(stamps, reverse=True)[:MAX_CAUSES]


def _moved(move: Move) -> Moved:
    return Moved(customer_id=_standard(move.customer_id) if move.customer_id else None, contacts=list(move.contacts))


def _standard(any_uuid: UUID) -> UUID:
    """The database driver has a UUID type of its own, which a strict model refuses."""
    return UUID(bytes=any_uuid.bytes)
