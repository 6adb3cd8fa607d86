"""The tag's row. A removed tag stays with a count of 0, so that a late tagging from before is known as such."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.table import Column, Table


class TagRow(NamedTuple):
    """A tag on a contact; ``expires_at`` is null for good ones, ``sliding`` true once any tagging had an end."""

    tenant: str
    contact_id: UUID
    tag: str
    taggings: int = 0
    last_at: int | None = None
    last_event: str | None = None
    source: str | None = None
    expires_at: int | None = None
    sliding: bool = False
    removed_at: int | None = None
    removed_event: str | None = None


TABLE = Table(
    name="tags",
    row=TagRow,
    key_size=3,
    columns=(
        Column("tenant", "text"),
        Column("contact_id", "uuid"),
        Column("tag", "text"),
        Column("taggings", "integer"),
        Column("last_at", "bigint", nullable=True),
        Column("last_event", "text", nullable=True),
        Column("source", "text", nullable=True),
        Column("expires_at", "bigint", nullable=True),
        Column("sliding", "boolean"),
        Column("removed_at", "bigint", nullable=True),
        Column("removed_event", "text", nullable=True),
    ),
)
