"""The agent "contacts" in memory: which events of the log it sends to identity, for laws over many histories."""

from collections.abc import Iterable

from projections.engine.projection import ContactEvent
from projections.intrinsics import folds
from projections.intrinsics.evidence import evidence
from schemas.events import Event
from tests.support.streams import id_of


class ContactsAgent:
    """Takes chunks of the log; ``rows`` are those of `projections.intrinsics`."""

    def __init__(self) -> None:
        self.rows: folds.IntrinsicRows = {}

    def send(self, chunk: Iterable[Event]) -> list[Event]:
        """What it sends of a chunk."""
        events = contact_events(chunk)
        about = [one for one in events if folds.states_identifiers(one.event)]
        types = folds.types_in(about)
        delta = folds.decide({key: row for key, row in self.rows.items() if key[:3] in types}, about)
        self.rows |= {row[:4]: row for row in delta.rows}
        return evidence(events, delta)


def contact_events(events: Iterable[Event]) -> list[ContactEvent]:
    """The events with the ids of their contacts."""
    return [ContactEvent(id_of(one.tenant, one.contact.key if one.contact else ""), one) for one in events]
