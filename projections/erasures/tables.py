"""The row of an erased contact: what it stated up to the erasure counts no more."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.metadata import define


class ErasureRow(NamedTuple):
    """The contact's latest erasure by time (ms, UTC) and event id."""

    tenant: str
    contact_id: UUID
    at: int
    event_id: str


TABLE = define("erasures", ErasureRow, key=2)
