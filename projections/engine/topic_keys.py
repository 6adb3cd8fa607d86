"""The key that an event's record must have in each topic: it decides which writer folds the event."""

from schemas.events import Event
from schemas.topics import event_key


def contacts_key(event: Event) -> bytes | None:
    """One contact's events share a partition, so that one writer folds them; others may lie anywhere (None)."""
    return event_key(event.tenant, event.contact.key) if event.contact else None


def evidence_key(event: Event) -> bytes:
    """A tenant's evidence shares a partition, so that one writer folds it."""
    return event.tenant.encode()
