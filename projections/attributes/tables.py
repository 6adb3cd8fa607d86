"""The attribute's row; a value of null is an attribute that was unset."""

from typing import Final, NamedTuple
from uuid import UUID

from projections.engine.metadata import Json, define

# Readers show at most so many claimed attributes, since anybody with a public write key can send more without end.
MOST_CLAIMED: Final = 200


class AttributeRow(NamedTuple):
    """A custom attribute's value, as JSON, and the event that decides it; ``claimed`` if only the public says so."""

    tenant: str
    contact_id: UUID
    key: str
    value: Json | None
    type: str | None
    at: int
    event_id: str
    claimed: bool = False


TABLE = define("attributes", AttributeRow, key=3)
