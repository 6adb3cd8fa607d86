"""Which events of a chunk are sent to the agent "identity"."""

from collections.abc import Iterable
from typing import Final

from projections.engine.projection import ContactEvent
from projections.intrinsics.folds import IntrinsicDelta
from schemas.events import Event

_IDENTITY_TYPES: Final = frozenset({"identity.bound", "identity.unbound", "identity.decided"})
_POLICY_SET: Final = "tenant.policy_set"


def evidence(events: Iterable[ContactEvent], delta: IntrinsicDelta) -> list[Event]:
    """The events of a chunk, and restatements, that are sent to identity."""
    first = [one for one in delta.first if one.event.type not in _IDENTITY_TYPES]
    return [*(one.event for one in [*stated(events), *first]), *delta.restated]


def stated(events: Iterable[ContactEvent]) -> list[ContactEvent]:
    """The events that are about identity by their type: they are always sent."""
    return [one for one in events if _is_about_identity(one.event)]


def _is_about_identity(event: Event) -> bool:
    return event.type == _POLICY_SET or (event.type in _IDENTITY_TYPES and event.contact is not None)
