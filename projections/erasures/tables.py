"""The rows that an erasure leaves of a contact: when it was, and what tells which events it erased.

Neither has anything of the person: the contact's id is a keyed hash, and events are kept as hashes of their ids.
"""

from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.metadata import define

NEVER: Final = (0, "")  # the stamp of a contact of which single events alone are erased


class ErasureRow(NamedTuple):
    """The contact's latest erasure by time (ms, UTC) and event id; ``NEVER`` if only single events were erased."""

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


def digest_column(events: sa.FromClause) -> sa.ColumnElement[UUID]:
    """`projections.erasures.folds.digest_of`, of the columns ``contact_id`` and ``event_id``."""
    named = sa.cast(events.c.contact_id, sa.Text()).concat(":").concat(events.c.event_id)
    hashed = sa.func.sha256(sa.func.convert_to(named, "UTF8"))
    return sa.cast(sa.func.encode(sa.func.substring(hashed, 1, 16), "hex"), sa.Uuid())
