"""The tag's row. A removed tag stays with a count of 0, so that a late tagging from before is known as such."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.metadata import Int, define


class TagRow(NamedTuple):
    """A tag on a contact; ``expires_at`` is null for good ones, ``sliding`` true once any tagging had an end."""

    tenant: str
    contact_id: UUID
    tag: str
    taggings: Int = 0
    last_at: int | None = None
    last_event: str | None = None
    source: str | None = None
    expires_at: int | None = None
    sliding: bool = False
    removed_at: int | None = None
    removed_event: str | None = None


TABLE = define("tags", TagRow, key=3)
