"""The agent "contacts" in memory: which events of the log it sends to identity, for laws over many histories."""

import asyncio
from collections.abc import Iterable, Sequence

from projections.engine.chunk import project
from projections.engine.ids import NO_CONTACT
from projections.engine.metadata import Key
from projections.engine.projection import ContactEvent
from projections.erasures.tables import TABLE as ERASURES
from projections.intrinsics import folds
from projections.intrinsics.evidence import evidence
from projections.intrinsics.store import contacts_again
from schemas.events import Event
from tests.support.streams import id_of
from tests.support.twin import MemoryStore


class ContactsAgent:
    """Takes chunks of the log; ``rows`` are those of `projections.intrinsics`."""

    def __init__(self) -> None:
        self.store = MemoryStore([])
        self.rows: folds.IntrinsicRows = {}

    async def send(self, chunk: Sequence[Event]) -> list[Event]:
        """What it sends of a chunk."""
        recorded = await project(self.store, [], contact_events(chunk))
        erasures = self.store.tables[ERASURES]
        again = contacts_again(recorded)
        first_events: dict[Key, ContactEvent] = {}
        async for page in self.store.vouching(again):
            folds.add_first(first_events, page, erasures)
        known = {key: row for key, row in self.rows.items() if key[:2] in again}
        first = self._save(folds.decide_again(known, first_events))
        new = [one for one in recorded.new if (one.event.tenant, one.contact_id) not in again]
        return evidence(recorded, first + self._save(folds.decide(self.rows, new, erasures)))

    def _save(self, delta: folds.IntrinsicDelta) -> list[ContactEvent]:
        for key in delta.gone:
            del self.rows[key]
        self.rows |= {row[:4]: row for row in delta.rows}
        return delta.first


def contact_events(events: Iterable[Event]) -> list[ContactEvent]:
    """The events with the ids of their contacts."""
    return [ContactEvent(id_of(one.tenant, one.contact.key) if one.contact else NO_CONTACT, one) for one in events]


def sent(chunks: Iterable[Sequence[Event]], agent: ContactsAgent | None = None) -> list[list[Event]]:
    """What a contacts agent, a new one if none is given, sends of each chunk."""
    contacts = agent or ContactsAgent()

    async def send_all() -> list[list[Event]]:
        return [await contacts.send(chunk) for chunk in chunks]

    return asyncio.run(send_all())
