"""The class of each event type, and the current version of each type."""

from typing import Final, get_args

from schemas.events import conversation, identity, profile, subscription, tenant
from schemas.events.envelope import Event


def _type_name(cls: type[Event]) -> str:
    (name,) = get_args(cls.model_fields["type"].annotation)
    return str(name)


EVENT_TYPES: Final[dict[str, type[Event]]] = {
    _type_name(cls): cls for family in (conversation, subscription, identity, profile, tenant) for cls in family.EVENTS
}

# A type that is not named here is at version 1. A new version also needs an upcaster and a golden file.
_RAISED: Final[dict[str, int]] = {}
CURRENT_VERSION: Final[dict[str, int]] = {name: _RAISED.get(name, 1) for name in EVENT_TYPES}


def event_class(type_name: str) -> type[Event]:
    """The class for a type; ``Event`` itself for an unknown type."""
    return EVENT_TYPES.get(type_name, Event)
