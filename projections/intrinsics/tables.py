"""The row of an intrinsic identifier. The rows decide which events are sent to identity resolution."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.metadata import define
from schemas.events.base import Stamp


class IntrinsicRow(NamedTuple):
    """An identifier of a contact, and the first event after the contact's latest erasure, by time (ms, UTC) and id."""

    tenant: str
    contact_id: UUID
    type: str
    value: str
    since: int
    since_id: str

    @property
    def first(self) -> Stamp:
        """The stamp of the first event."""
        return (self.since, self.since_id)


TABLE = define("intrinsics", IntrinsicRow, key=4)
