"""The binding's row. Social binding (官網綁定) is any live row that came by the site's own ways."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.metadata import define

# The ways in which a website's pages send what visitors say, as often as they like.
PUBLIC_WAYS = ("login", "channel")
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


TABLE = define("bindings", BindingRow, key=4)
