"""Reads a tenant's settings from the events that set them: of each the latest by time and event id counts.

The timeline has each of these events once, and an index of them alone, so that a setting holds as soon as its event is
visible, over all history.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, cast

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from projections.customers.tables import CUSTOMER_TERMS
from projections.customers.terms import ATTRIBUTE
from projections.engine.connection import Connection
from projections.engine.ids import NO_CONTACT
from projections.engine.statements import compiled
from projections.timeline.tables import ATTRIBUTE_TYPE, QUOTA_TYPE
from projections.timeline.tables import TABLE as TIMELINE
from schemas.events.profile import AttributeType

QuotaUnit = Literal["contacts", "customers"]


class QuotaSetting(NamedTuple):
    """A tenant's limit, None for none; what it counts; and when it was set, in ms, and by which event."""

    limit: int | None = None
    unit: QuotaUnit = "contacts"
    set_at: int | None = None
    event_id: str | None = None


def _events(type_name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        TIMELINE.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
        TIMELINE.c.contact_id == sa.literal(NO_CONTACT, sa.Uuid()),
        TIMELINE.c.type == type_name,
    )


_NEWEST: Final = (TIMELINE.c.occurred_at.desc(), TIMELINE.c.event_id.desc())
LATEST_QUOTA: Final = (
    sa.select(sa.cast(TIMELINE.c.data, sa.Text).label("data"), TIMELINE.c.occurred_at, TIMELINE.c.event_id)
    .where(*_events(QUOTA_TYPE))
    .order_by(*_NEWEST)
    .limit(1)
)
_QUOTA: Final = compiled(LATEST_QUOTA, "tenant")
_QUOTAS: Final = compiled(
    sa.select(TIMELINE.c.tenant, TIMELINE.c.event_id)
    .ext(distinct_on(TIMELINE.c.tenant))
    .where(TIMELINE.c.contact_id == sa.literal(NO_CONTACT, sa.Uuid()), TIMELINE.c.type == QUOTA_TYPE)
    .order_by(TIMELINE.c.tenant, *_NEWEST)
)


async def quota_setting(connection: Connection, tenant: str) -> QuotaSetting:
    """The limit in force. One statement."""
    row = await connection.fetchrow(_QUOTA, tenant)
    if row is None:
        return QuotaSetting()
    return setting_of(*row)


async def all_quotas(connection: Connection) -> dict[str, str]:
    """The tenants with a limit, and the event that set it. One statement."""
    return dict(tuple(row) for row in await connection.fetch(_QUOTAS))


def setting_of(data: str, at: int | None = None, event_id: str | None = None) -> QuotaSetting:
    """The limit that an event's data sets."""
    said = orjson.loads(data)
    return QuotaSetting(said["limit"], cast("QuotaUnit", said.get("unit", "contacts")), at, event_id)


class DefinedAttribute(NamedTuple):
    """A custom attribute as it was last defined; names by language."""

    key: str
    type: AttributeType
    display_name: str | None
    names: Mapping[str, str]
    description: str | None
    archived: bool
    defined_at: int


_KEY_OF: Final = TIMELINE.c.data["key"].astext
_ATTRIBUTES: Final = compiled(
    sa.select(sa.cast(TIMELINE.c.data, sa.Text), TIMELINE.c.occurred_at)
    .ext(distinct_on(_KEY_OF))
    .where(*_events(ATTRIBUTE_TYPE))
    .order_by(_KEY_OF, *_NEWEST),
    "tenant",
)
_USED: Final = compiled(
    sa.select(CUSTOMER_TERMS.c.value, CUSTOMER_TERMS.c.customers)
    .where(
        CUSTOMER_TERMS.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
        CUSTOMER_TERMS.c.kind == ATTRIBUTE,
        CUSTOMER_TERMS.c.customers > 0,
        CUSTOMER_TERMS.c.value > sa.bindparam("after", type_=sa.Text()),
    )
    .order_by(CUSTOMER_TERMS.c.value)
    .limit(sa.bindparam("limit", type_=sa.Integer())),
    *("tenant", "after", "limit"),
)


async def attribute_definitions(connection: Connection, tenant: str) -> list[DefinedAttribute]:
    """The attributes that are defined, also archived ones, in the order of their keys. One statement."""
    found = [_defined(orjson.loads(data), at) for data, at in await connection.fetch(_ATTRIBUTES, tenant)]
    return sorted(found, key=lambda one: one.key)


async def used_attributes(connection: Connection, tenant: str, after: str, limit: int) -> dict[str, int]:
    """The next keys that customers have, defined or not, and how many customers do. One statement."""
    return dict(tuple(row) for row in await connection.fetch(_USED, tenant, after, limit))


def _defined(said: Mapping[str, Any], at: int) -> DefinedAttribute:
    names = {language: name for language, name in (said.get("names") or {}).items() if name}
    return DefinedAttribute(
        said["key"],
        said["type"],
        said.get("display_name"),
        names,
        said.get("description"),
        bool(said.get("archived")),
        at,
    )
