"""The row of an identifier. The rows decide which events are sent to identity resolution."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.metadata import define
from schemas.events.base import Stamp


class IntrinsicRow(NamedTuple):
    """An identifier of a contact, and the first and the last event, by time (ms, UTC) and id, that carried it.

    An identifier that only bindings and unbindings stated was carried by none: it has four nulls.
    """

    tenant: str
    contact_id: UUID
    type: str
    value: str
    since: int | None = None
    since_id: str | None = None
    latest: int | None = None
    latest_id: str | None = None

    @property
    def first(self) -> Stamp | None:
        """The stamp of the first event."""
        return None if self.since is None or self.since_id is None else (self.since, self.since_id)

    @property
    def last(self) -> Stamp | None:
        """The stamp of the last event."""
        return None if self.latest is None or self.latest_id is None else (self.latest, self.latest_id)


TABLE = define("intrinsics", IntrinsicRow, key=4)
