"""The rows that an erasure leaves of a contact: when it was, and what tells which events it erased.

Neither has anything of the person: the contact's id is a keyed hash, and events are kept as hashes of their ids.
"""

from typing import NamedTuple
from uuid import UUID

from projections.engine.metadata import define


class ErasureRow(NamedTuple):
    """The contact's latest erasure by time (ms, UTC) and event id."""

    tenant: str
    contact_id: UUID
    at: int
    event_id: str

    @property
    def stamp(self) -> tuple[int, str]:
        """What the stamps of events are compared with."""
        return (self.at, self.event_id)


class ErasedEventRow(NamedTuple):
    """An event that is erased, by a hash of its id: no copy of it comes back, whatever time it states."""

    tenant: str
    contact_id: UUID
    digest: UUID


TABLE = define("erasures", ErasureRow, key=2)
ERASED_EVENTS = define("erased_events", ErasedEventRow, key=3, fillfactor=100)
