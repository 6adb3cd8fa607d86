"""Which events of a chunk are sent to the agent "identity"."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from projections.engine.chunk import RecordedEvents
from projections.engine.projection import ERASING, ContactEvent
from projections.erasures.tables import ErasureRow
from schemas.events import Event

_OF_CONTACTS: Final = frozenset({"identity.bound", "identity.unbound", "identity.decided", *ERASING})
_OF_TENANTS: Final = frozenset({"tenant.policy_set", "member.merged"})
TYPES: Final = _OF_CONTACTS | _OF_TENANTS  # of events that are about identity, whatever identifiers they state
_BROWSER: Final = "web"


def evidence(recorded: RecordedEvents, first: Iterable[ContactEvent]) -> list[Event]:
    """The events of a chunk that are sent to identity, each once.

    ``first`` are the events that are now the first of an intrinsic identifier. A copy that counts instead of a known
    one is sent if either says something of identity, so that identity does not keep the other. So are erased events
    that come again, since identity may know another copy: but only a copy that the erasure erases by its own time, as
    identity may never have heard of the event, and would take a later copy for a new one. An erasure is sent beside
    another copy of the same event.
    """
    overruling = [now for now, before in recorded.overruling if concerns(now.event) or concerns(before.event)]
    erased = _until_horizon(recorded, recorded.erased)
    again = _until_horizon(recorded, recorded.erased_again)
    found = [*stated(recorded.new), *overruling, *stated(erased), *again, *first]
    chosen = {_key_of(one): one.event for one in found}
    beside = [one.event for one in recorded.erasures if chosen.get(_key_of(one)) != one.event]
    return [*chosen.values(), *beside]


def _until_horizon(recorded: RecordedEvents, erased: Iterable[ContactEvent]) -> list[ContactEvent]:
    """The copies that are not later than the latest erasures of their contacts."""
    stamps = {key: ErasureRow(*row).stamp for key, row in recorded.horizons.items()}
    return [one for one in erased if one.event.stamp <= stamps[one.event.tenant, one.contact_id]]


def _key_of(one: ContactEvent) -> tuple[str, UUID, str]:
    return (one.event.tenant, one.contact_id, one.event.event_id)


def stated(events: Iterable[ContactEvent]) -> list[ContactEvent]:
    """The events that are always sent: those about identity by their type, logins on a browser, and bindings."""
    return [one for one in events if _by_type(one.event) or _counts_each_time(one.event)]


def concerns(event: Event) -> bool:
    """Whether the event says something of identity."""
    return _by_type(event) or (event.contact is not None and bool(event.intrinsic))


def _by_type(event: Event) -> bool:
    return event.type in (_OF_CONTACTS if event.contact is not None else _OF_TENANTS)


def _counts_each_time(event: Event) -> bool:
    """Each login on a browser may begin a session, and an erasure of the contact that it names may undo a binding."""
    if event.contact is None or not event.intrinsic:
        return False
    types = {"contact", "member_id"} if event.contact.channel == _BROWSER else {"contact"}
    return any(one.type in types for one in event.intrinsic)
