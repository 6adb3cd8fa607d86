"""The contact's row.

``runs`` is JSON of the subscription's history; ``stamps`` is JSON of what set each field: that it is no
claim (true), its time, and its event. Of each kind of marketing it has the time of the latest consent, whether that is
a denial, and its event.
"""

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.metadata import FOR_READERS, Json, define


class ContactRow(NamedTuple):
    """A contact as its events leave it; times in ms, UTC.

    ``valid_since`` is when a valid contact (有效聯絡人) subscribed, and null for one that is not valid by itself.
    """

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
    opted_out: bool = False
    valid_since: int | None = None
    last_customer_at: int | None = None
    last_team_at: int | None = None
    last_marketing_at: int | None = None
    runs: Json = "[]"
    stamps: Json = "{}"

    @property
    def key(self) -> str:
        """The contact key, ``channel:account:uid``."""
        return f"{self.channel}:{self.account}:{self.uid}"


# Most writes move a time, which no index covers: room on the page keeps them cheap.
TABLE = define(
    "contacts",
    ContactRow,
    sa.Index(
        "contacts_valid",
        *("tenant", "valid_since", "channel", "account", "uid"),
        postgresql_where=sa.text("valid_since IS NOT NULL"),
        info=FOR_READERS,
    ),
    key=2,
    fillfactor=70,
    often=("last_customer_at", "last_team_at", "last_marketing_at", "runs"),
)
