"""The timeline's row: an event as its contact's history keeps it."""

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.metadata import FOR_READERS, Json, define


class TimelineRow(NamedTuple):
    """One event; ``data`` is JSON at the type's current version, ``intrinsic`` a JSON list of identifiers.

    ``account_key`` is the account that an event without a contact is about, as ``channel:account``.
    """

    tenant: str
    contact_id: UUID
    event_id: str
    occurred_at: int
    received_at: int
    type: str
    source: str
    data: Json
    intrinsic: Json
    account_key: str | None = None


TABLE = define(
    "timeline",
    TimelineRow,
    sa.Index("timeline_newest", "tenant", "contact_id", "occurred_at", info=FOR_READERS),
    key=3,
    fillfactor=100,
)
# What happened on an account and to no contact.
sa.Index(
    "timeline_of_accounts",
    TABLE.c.tenant,
    TABLE.c.account_key,
    TABLE.c.occurred_at,
    postgresql_where=TABLE.c.account_key.is_not(None),
    info=FOR_READERS,
)
CHANGING_TYPES = ("message.edited", "message.unsent")
MESSAGE_TYPES = ("message.received", "team.message_sent")
# The events of one message, which `messages` looks up. Others pay for a look at their type alone.
sa.Index(
    "timeline_messages",
    TABLE.c.tenant,
    TABLE.c.contact_id,
    TABLE.c.data["message_id"].astext,
    postgresql_where=TABLE.c.type.in_((*CHANGING_TYPES, *MESSAGE_TYPES)),
)
PROFILE_TYPES = ("attribute.set", "attribute.unset", "profile.updated")
# What a contact says of itself, for a browser that several people use: of each what was said while it used it.
sa.Index(
    "timeline_profile",
    TABLE.c.tenant,
    TABLE.c.contact_id,
    TABLE.c.occurred_at,
    postgresql_where=TABLE.c.type.in_(PROFILE_TYPES),
    info=FOR_READERS,
)
QUOTA_TYPE, ATTRIBUTE_TYPE = "tenant.quota_set", "tenant.attribute_defined"
# The settings of a tenant, which few events are about: the latest is looked up for each answer that depends on it.
sa.Index(
    "timeline_settings",
    TABLE.c.tenant,
    TABLE.c.type,
    TABLE.c.occurred_at,
    postgresql_where=TABLE.c.type.in_((QUOTA_TYPE, ATTRIBUTE_TYPE)),
    info=FOR_READERS,
)
SEGMENT_TYPE = "tenant.segment_saved"
SEGMENT_ID = sa.collate(TABLE.c.data["segment"].astext, "C")
# Saved filters of customers: the latest of an id is looked up by each search that names it.
sa.Index(
    "timeline_segments",
    TABLE.c.tenant,
    SEGMENT_ID,
    TABLE.c.occurred_at,
    postgresql_where=TABLE.c.type == SEGMENT_TYPE,
    info=FOR_READERS,
)
ALIAS_TYPE = "web.alias"
# Former ids of members, which few contacts have: what proposes that two members are one.
sa.Index(
    "timeline_aliases",
    TABLE.c.tenant,
    TABLE.c.contact_id,
    TABLE.c.occurred_at,
    postgresql_where=TABLE.c.type == ALIAS_TYPE,
    info=FOR_READERS,
)
