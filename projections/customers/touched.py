"""Notes which contacts a chunk changes, and how: for the composer of customer rows.

Most events move the times of the latest interactions, and nothing else that a customer's row shows: those contacts are
kept apart, since their customers' rows need no more than new times.
"""

from collections.abc import Collection, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from projections.attributes.folds import PROJECTION as ATTRIBUTES
from projections.contacts.subscription import same_starts
from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.tables import ContactRow
from projections.engine.chunk import ChunkStore, RecordedEvents
from projections.engine.forwarding import ForwardingStore
from projections.engine.metadata import Key, Row, Table
from projections.engine.projection import ContactEvent
from projections.engine.touched_ids import Touched, TouchedByTenant
from projections.timeline.messages import SENT, sent_message

# In a browser's sessions these count even where they change no row of the contact.
_SAID: Final = (ATTRIBUTES.types or frozenset()) | {"profile.updated"}
# What a customer's rows show of a contact's row, besides the times and the history of its subscription.
_shown: Final = itemgetter(
    *(at for at, name in enumerate(ContactRow._fields) if name != "runs" and not name.startswith("last_"))
)


class NotingStore(ForwardingStore):
    """See `ChunkStore`: passes everything on, and notes the contacts whose rows change."""

    def __init__(self, store: ChunkStore) -> None:
        super().__init__(store)
        self._contacts: dict[Key, Any] = {}
        self._changed: set[Key] = set()
        self._seen: set[Key] = set()

    async def record(self, events: Sequence[ContactEvent]) -> RecordedEvents:
        """See `ChunkStore`."""
        recorded = await super().record(events)
        for one in (*recorded.counting, *recorded.withdrawn):
            if one.event.type in _SAID:
                self._changed.add((one.event.tenant, one.contact_id))
            elif one.event.type == SENT and _may_be_told_elsewhere(one):
                self._seen.add((one.event.tenant, one.contact_id))
        return recorded

    async def load(self, table: Table, keys: Collection[Key]) -> dict[Key, Any]:
        """See `ChunkStore`."""
        rows = await super().load(table, keys)
        if table is CONTACTS:
            self._contacts |= rows
        return rows

    async def save(self, table: Table, rows: Collection[Row]) -> None:
        """See `ChunkStore`."""
        if table is CONTACTS:
            self._note_contacts(rows)
        else:
            self._changed.update(row[:2] for row in rows)
        await super().save(table, rows)

    async def delete_contacts(self, table: Table, contacts: Collection[Key]) -> None:
        """See `ChunkStore`."""
        self._changed.update(contacts)
        await super().delete_contacts(table, contacts)

    def touched(self) -> TouchedByTenant:
        """What was changed, by tenant."""
        found: TouchedByTenant = {}
        for tenant in {key[0] for key in self._changed | self._seen}:
            found[tenant] = Touched()
        for tenant, contact_id in self._changed:
            found[tenant].contacts.add(contact_id)
        for tenant, contact_id in self._seen - self._changed:
            found[tenant].seen.add(contact_id)
        return found

    def _note_contacts(self, rows: Iterable[Any]) -> None:
        for row in rows:
            before = self._contacts.get(row[:2])
            only_times = before is not None and _shown(before) == _shown(row) and same_starts(before.runs, row.runs)
            (self._seen if only_times else self._changed).add(row[:2])


def _may_be_told_elsewhere(one: ContactEvent) -> bool:
    """Whether another contact of the address may have the same message: then it moves times that no row of it shows."""
    return sent_message(one) is not None and one.event.contact is not None and one.event.contact.channel == "whatsapp"
