"""Which events of a chunk are sent to the agent "identity"."""

from collections.abc import Iterable
from typing import Final

from projections.engine.projection import ContactEvent
from projections.intrinsics.folds import Noted
from schemas.events import Event

_IDENTITY_TYPES: Final = frozenset({"identity.bound", "identity.unbound", "identity.decided"})
_POLICY_SET: Final = "tenant.policy_set"


def evidence(happened: Iterable[ContactEvent], noted: Noted) -> list[Event]:
    """What a chunk says to identity."""
    first = [one for one in noted.first if one.event.type not in _IDENTITY_TYPES]
    return [*(one.event for one in [*stated(happened), *first]), *noted.restated]


def stated(happened: Iterable[ContactEvent]) -> list[ContactEvent]:
    """The events that speak of identity by their type, which are always sent."""
    return [one for one in happened if _speaks_of_identity(one.event)]


def _speaks_of_identity(event: Event) -> bool:
    return event.type == _POLICY_SET or (event.type in _IDENTITY_TYPES and event.contact is not None)
