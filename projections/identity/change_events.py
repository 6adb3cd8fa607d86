"""Changes as they are told, with the events that caused them."""

from collections.abc import Iterable
from uuid import UUID

from projections.identity.affected import Causes
from projections.identity.resolution.evidence import Stamp
from projections.identity.resolution.membership_changes import Change, Move
from projections.identity.store import ContactKey
from schemas.changes import MAX_CAUSES, CustomerChange, Moved


def told_of(tenant: str, change: Change, causes: list[Stamp], version: str) -> CustomerChange:
    """The change as it is told but for its number, of causes the latest first."""
    at, cause = causes[0]
    return CustomerChange(
        tenant=tenant,
        customer_id=_plain(change.customer_id),
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


def latest_causes(causes: Causes, reached: Iterable[ContactKey]) -> list[Stamp]:
    """The events that reached any of these contacts, the latest first; if none did, that reached anybody."""
    stamps = {stamp for who in reached for stamp in causes.get(who, ())}
    if not stamps:
        stamps = {stamp for found in causes.values() for stamp in found}
    return sorted(stamps, reverse=True)[:MAX_CAUSES]


def _moved(move: Move) -> Moved:
    return Moved(customer_id=_plain(move.customer_id) if move.customer_id else None, contacts=list(move.contacts))


def _plain(contact_id: UUID) -> UUID:
    """The database driver has a UUID of its own, which a strict model refuses."""
    return UUID(bytes=contact_id.bytes)
