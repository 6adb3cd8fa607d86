"""Every canonical event: the envelope, one module a family, and the registry of types."""

from schemas.events.base import Identifier, Millis
from schemas.events.envelope import ContactRef, Event
from schemas.events.registry import CURRENT_VERSION, EVENT_TYPES, event_class

__all__ = [
    "CURRENT_VERSION",
    "EVENT_TYPES",
    "ContactRef",
    "Event",
    "Identifier",
    "Millis",
    "event_class",
]
