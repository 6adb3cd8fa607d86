"""What is used of a quota, and which contacts are beyond it. Call everything in one snapshot.

The contacts that are over quota are those after a boundary: the last contact within the limit, in the order in which
they subscribed. So a new limit moves the boundary, and writes nothing.
"""

from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.tables import COMPOSED, CUSTOMER_ROWS
from projections.engine.connection import Connection
from projections.engine.statements import compiled
from projections.quota.tables import MS_OF_DAY
from projections.quota.tables import TABLE as DAYS
from projections.quota.thresholds import QuotaUse
from projections.settings.queries import LATEST_QUOTA, QuotaSetting, setting_of


class QuotaPosition(NamedTuple):
    """A valid contact's place in the order of subscription; the contact's key is the last three."""

    subscribed_at: int
    channel: str
    account: str
    uid: str


class AccountUse(NamedTuple):
    """The valid contacts of one account."""

    channel: str
    account: str
    used: int


class DayUse(NamedTuple):
    """The valid contacts at the end of a day, which is counted since 1970, UTC."""

    day: int
    used: int


class ValidContact(NamedTuple):
    """A valid contact, its place and its display name."""

    position: QuotaPosition
    display_name: str | None


class CustomerUse(NamedTuple):
    """The customers with a valid contact, and whether everything that is known is in that number."""

    used: int
    current: bool


_MOST: Final = 2**62  # beyond every count
BEGINNING: Final = QuotaPosition(-1, "", "", "")
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_LIMIT: Final = sa.bindparam("limit", type_=sa.BigInteger())
_PLACE: Final = (CONTACTS.c.valid_since, CONTACTS.c.channel, CONTACTS.c.account, CONTACTS.c.uid)
_VALID: Final = (CONTACTS.c.tenant == _TENANT, CONTACTS.c.valid_since.is_not(None))


def _boundary_day() -> str:
    """Selects the day on which the limit-th contact subscribed, and the number of contacts before that day."""
    by_day = sa.select(DAYS.c.day, sa.func.sum(DAYS.c.valid).label("valid")).where(DAYS.c.tenant == _TENANT)
    days = by_day.group_by(DAYS.c.day).subquery("days")
    upto = sa.func.sum(days.c.valid).over(order_by=days.c.day)
    summed = sa.select(days.c.day, (upto - days.c.valid).label("before"), upto.label("upto")).subquery("summed")
    found = sa.select(summed.c.day, sa.cast(summed.c.before, sa.BigInteger)).where(summed.c.upto >= _LIMIT)
    return compiled(found.order_by(summed.c.day).limit(1), "tenant", "limit")


def _history() -> str:
    """Selects the numbers at the end of each day on which they changed, up to a day."""
    change = sa.func.sum(DAYS.c.began - DAYS.c.ended)
    by_day = sa.select(DAYS.c.day, change.label("change")).where(
        DAYS.c.tenant == _TENANT, DAYS.c.day <= sa.bindparam("upto", type_=sa.Integer())
    )
    days = by_day.group_by(DAYS.c.day).subquery("days")
    summed = sa.select(days.c.day, sa.cast(sa.func.sum(days.c.change).over(order_by=days.c.day), sa.BigInteger))
    return compiled(summed.order_by(days.c.day), "tenant", "upto")


_BOUNDARY_DAY: Final = _boundary_day()
_HISTORY: Final = _history()
_OF_DAY: Final = compiled(
    sa.select(*_PLACE)
    .where(
        *_VALID,
        CONTACTS.c.valid_since >= sa.bindparam("begin", type_=sa.BigInteger()),
        CONTACTS.c.valid_since < sa.bindparam("end", type_=sa.BigInteger()),
    )
    .order_by(*_PLACE)
    .offset(sa.bindparam("skipped", type_=sa.BigInteger()))
    .limit(1),
    *("tenant", "begin", "end", "skipped"),
)
_BY_ACCOUNT: Final = compiled(
    sa.select(DAYS.c.channel, DAYS.c.account, sa.cast(sa.func.sum(DAYS.c.valid), sa.BigInteger))
    .where(DAYS.c.tenant == _TENANT)
    .group_by(DAYS.c.channel, DAYS.c.account)
    .order_by(DAYS.c.channel, DAYS.c.account),
    "tenant",
)
_AFTER: Final = tuple(
    sa.bindparam(f"after_{name}", type_=sa.BigInteger() if name == "subscribed_at" else sa.Text())
    for name in QuotaPosition._fields
)
_PAGE: Final = compiled(
    sa.select(*_PLACE, CONTACTS.c.display_name)
    .where(*_VALID, sa.tuple_(*_PLACE) > sa.tuple_(*_AFTER))
    .order_by(*_PLACE)
    .limit(_LIMIT),
    *("tenant", *(one.key for one in _AFTER), "limit"),
)
_CUSTOMERS: Final = compiled(
    sa.select(sa.func.count())
    .select_from(CUSTOMER_ROWS)
    .where(CUSTOMER_ROWS.c.tenant == _TENANT, CUSTOMER_ROWS.c.valid),
    "tenant",
)
_IS_CURRENT: Final = sa.exists().where(COMPOSED.c.tenant == _TENANT, COMPOSED.c.vector.is_not(None))
_CURRENT: Final = compiled(sa.select(_IS_CURRENT), "tenant")


def _use() -> str:
    """Selects the data of the limit's event, the valid contacts, the customers, and whether those are current.

    The customers are counted only where they are the unit.
    """
    quota = LATEST_QUOTA.subquery("quota")
    contacts = sa.select(sa.func.coalesce(sa.func.sum(DAYS.c.valid), 0)).where(DAYS.c.tenant == _TENANT)
    customers = sa.select(sa.func.count()).where(CUSTOMER_ROWS.c.tenant == _TENANT, CUSTOMER_ROWS.c.valid)
    of_customers = sa.cast(quota.c.data, postgresql.JSONB)["unit"].astext == "customers"
    used = sa.case((of_customers, customers.scalar_subquery()), else_=contacts.scalar_subquery())
    current = sa.case((of_customers, _IS_CURRENT), else_=sa.true())
    return compiled(sa.select(quota.c.data, sa.cast(used, sa.BigInteger), current), "tenant")


_USE: Final = _use()


async def used_by_account(connection: Connection, tenant: str) -> list[AccountUse]:
    """The valid contacts of each account that ever had one, in the order of channels and accounts. One statement."""
    return [AccountUse(*row) for row in await connection.fetch(_BY_ACCOUNT, tenant)]


async def used_by_customers(connection: Connection, tenant: str) -> CustomerUse:
    """The customers with a valid contact. Two statements; the first reads a row of every customer."""
    used = int(await connection.fetchval(_CUSTOMERS, tenant))
    return CustomerUse(used, bool(await connection.fetchval(_CURRENT, tenant)))


async def quota_use(connection: Connection, tenant: str) -> QuotaUse:
    """The limit and what is used of it. One statement, so in one snapshot."""
    row = await connection.fetchrow(_USE, tenant)
    if row is None:
        return QuotaUse(None, "contacts", 0)
    data, used, current = row
    setting = setting_of(data)
    return QuotaUse(setting.limit, setting.unit, used, current)


async def used_by_day(connection: Connection, tenant: str, first: int, last: int) -> list[DayUse]:
    """The valid contacts at the end of every day from the first to the last. One statement."""
    changed = {day: used for day, used in await connection.fetch(_HISTORY, tenant, last)}  # noqa: C416 - rows
    used = changed[max(before)] if (before := [day for day in changed if day < first]) else 0
    found = []
    for day in range(first, last + 1):
        used = changed.get(day, used)
        found.append(DayUse(day, used))
    return found


async def boundary_of(connection: Connection, tenant: str, setting: QuotaSetting) -> QuotaPosition | None:
    """The last contact within the limit: those after it are over quota. None if no contact is.

    Also None for a limit of customers, of which none is over quota by the order of contacts. Two statements.
    """
    if setting.limit is None or setting.unit != "contacts":
        return None
    if setting.limit == 0:
        return BEGINNING
    row = await connection.fetchrow(_BOUNDARY_DAY, tenant, min(setting.limit, _MOST))
    if row is None:
        return None
    day, before = row
    begin = day * MS_OF_DAY
    found = await connection.fetchrow(_OF_DAY, tenant, begin, begin + MS_OF_DAY, setting.limit - before - 1)
    return None if found is None else QuotaPosition(*found)


async def contacts_after(connection: Connection, tenant: str, after: QuotaPosition, limit: int) -> list[ValidContact]:
    """The next valid contacts after a place, in the order of subscription. One statement."""
    rows: list[Any] = await connection.fetch(_PAGE, tenant, *after, limit)
    return [ValidContact(QuotaPosition(*row[:-1]), row[-1]) for row in rows]
