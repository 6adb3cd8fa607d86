"""The consent's row; a kind without a row was never refused."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.metadata import define


class ConsentRow(NamedTuple):
    """Whether one kind of marketing is allowed, since when and by whose word."""

    tenant: str
    contact_id: UUID
    kind: str
    allowed: bool
    at: int
    event_id: str
    by: str | None


TABLE = define("consents", ConsentRow, key=3)
