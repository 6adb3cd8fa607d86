"""The contact's row. ``runs`` and ``stamps`` are JSON that only the fold reads."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.table import Column, Table


class ContactRow(NamedTuple):
    """A contact as its events leave it; times in ms, UTC."""

    tenant: str
    contact_id: UUID
    channel: str
    account: str
    uid: str
    first_seen_at: int
    display_name: str | None = None
    avatar: str | None = None
    locale: str | None = None
    staff_member: str | None = None
    staff_branch: str | None = None
    staff_at: int | None = None
    superseded_by: str | None = None
    subscribed: bool | None = None
    subscribed_at: int | None = None
    last_customer_at: int | None = None
    last_team_at: int | None = None
    last_marketing_at: int | None = None
    runs: str = "[]"
    stamps: str = "{}"


TABLE = Table(
    name="contacts",
    row=ContactRow,
    key_size=2,
    columns=(
        Column("tenant", "text"),
        Column("contact_id", "uuid"),
        Column("channel", "text"),
        Column("account", "text"),
        Column("uid", "text"),
        Column("first_seen_at", "bigint"),
        Column("display_name", "text", nullable=True),
        Column("avatar", "text", nullable=True),
        Column("locale", "text", nullable=True),
        Column("staff_member", "text", nullable=True),
        Column("staff_branch", "text", nullable=True),
        Column("staff_at", "bigint", nullable=True),
        Column("superseded_by", "text", nullable=True),
        Column("subscribed", "boolean", nullable=True),
        Column("subscribed_at", "bigint", nullable=True),
        Column("last_customer_at", "bigint", nullable=True),
        Column("last_team_at", "bigint", nullable=True),
        Column("last_marketing_at", "bigint", nullable=True),
        Column("runs", "json"),
        Column("stamps", "json"),
    ),
    fillfactor=70,  # most writes move a time, which no index covers: room on the page keeps them cheap
)
