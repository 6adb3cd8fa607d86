"""The canonical events: the envelope, a module for each family of types, and the registry."""

from schemas.events.base import Identifier, Millis
from schemas.events.envelope import AccountRef, ContactRef, Event
from schemas.events.registry import CURRENT_VERSION, EVENT_TYPES, event_class

__all__ = [
    "CURRENT_VERSION",
    "EVENT_TYPES",
    "AccountRef",
    "ContactRef",
    "Event",
    "Identifier",
    "Millis",
    "event_class",
]
