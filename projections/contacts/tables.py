"""The contact's row.

``runs`` is JSON of the subscription's history; ``stamps`` is JSON of what set each field: that it is no
claim (true), its time, and its event.
"""

from typing import NamedTuple
from uuid import UUID

from projections.engine.metadata import Json, define


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
    runs: Json = "[]"
    stamps: Json = "{}"


# Most writes move a time, which no index covers: room on the page keeps them cheap.
TABLE = define("contacts", ContactRow, key=2, fillfactor=70)
