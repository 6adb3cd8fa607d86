"""The binding's row. Social binding (官網綁定) is any live row that came by the site's own ways."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.table import Column, Table

SITE_WAYS = ("site_button", "cart_tracker", "bot_button")


class BindingRow(NamedTuple):
    """An identifier that the contact was bound to, or unbound from."""

    tenant: str
    contact_id: UUID
    type: str
    value: str
    via: str
    bound: bool
    at: int
    event_id: str


TABLE = Table(
    name="bindings",
    row=BindingRow,
    key_size=4,
    columns=(
        Column("tenant", "text"),
        Column("contact_id", "uuid"),
        Column("type", "text"),
        Column("value", "text"),
        Column("via", "text"),
        Column("bound", "boolean"),
        Column("at", "bigint"),
        Column("event_id", "text"),
    ),
)
