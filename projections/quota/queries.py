"""What is used of a quota, and which contacts are beyond it. Call everything in one snapshot.

What is over quota is what comes after a boundary: the last address, or customer, within the limit, in the order in
which they subscribed. So a new limit moves the boundary, and writes nothing.

Contacts are counted where they are folded. That several of them are one address, and what customers there are, is known
to the composer of customer rows: it keeps corrections, which are exact once it has taken everything that was touched.
"""

from collections.abc import Collection
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.contacts.addresses import AddressPlace
from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.valid_days import MS_OF_DAY
from projections.customers.folds import CustomerPlace
from projections.customers.tables import ADDRESS_CONTACTS, COMPOSED, COMPOSED_DAYS, CUSTOMER_CONTACTS, CUSTOMER_ROWS
from projections.engine.connection import Connection
from projections.engine.statements import array, compiled
from projections.quota.tables import TABLE as DAYS
from projections.quota.thresholds import QuotaUse
from projections.settings.queries import LATEST_QUOTA, QuotaSetting, QuotaUnit, setting_of

QuotaPosition = AddressPlace  # an address's place in the order of subscription


class QuotaBoundary(NamedTuple):
    """The last address, or the last customer, within the limit; None while none is beyond it."""

    address: QuotaPosition | None = None
    customer: CustomerPlace | None = None


class AccountUse(NamedTuple):
    """The valid contacts of one account."""

    channel: str
    account: str
    used: int


class DayUse(NamedTuple):
    """What was used at the end of a day, which is counted since 1970, UTC."""

    day: int
    used: int


class ValidContact(NamedTuple):
    """A valid contact, its place and its display name."""

    position: QuotaPosition
    display_name: str | None


_MOST: Final = 2**62  # beyond every count and time
_NOBODY: Final = UUID(int=0)
_AFTER_EVERY_KEY: Final = "\U0010ffff"  # a contact's key begins with its channel
BEGINNING: Final = QuotaPosition(-1, "", "", "")
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_LIMIT: Final = sa.bindparam("limit", type_=sa.BigInteger())
_ADDRESSES: Final = ADDRESS_CONTACTS.c
_NAMES: Final = ("tenant", "channel", "account", "day", "valid", "began", "ended")
_OF_CUSTOMERS: Final = COMPOSED_DAYS.c.channel == ""


def _counts(table: sa.Table, *which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(*(table.c[name] for name in _NAMES)).where(table.c.tenant == _TENANT, *which)


# Of contacts by themselves, with the corrections of addresses that have several of them; and of customers.
_DAYS: Final = sa.union_all(_counts(DAYS), _counts(COMPOSED_DAYS, sa.not_(_OF_CUSTOMERS))).subquery("counted")
_CUSTOMER_DAYS: Final = _counts(COMPOSED_DAYS, _OF_CUSTOMERS).subquery("counted")


def _boundary_day(counted: sa.Subquery) -> str:
    """Selects the day on which the limit-th one subscribed, and the number of those before that day."""
    by_day = sa.select(counted.c.day, sa.func.sum(counted.c.valid).label("valid"))
    days = by_day.group_by(counted.c.day).subquery("days")
    upto = sa.func.sum(days.c.valid).over(order_by=days.c.day)
    summed = sa.select(days.c.day, (upto - days.c.valid).label("before"), upto.label("upto")).subquery("summed")
    found = sa.select(summed.c.day, sa.cast(summed.c.before, sa.BigInteger)).where(summed.c.upto >= _LIMIT)
    return compiled(found.order_by(summed.c.day).limit(1), "tenant", "limit")


def _places(most: sa.ColumnElement[Any], *after: sa.BindParameter[Any], before: sa.ColumnElement[int]) -> sa.Subquery:
    """Selects the ``most`` first places after one and before a time, with the contact's name; each part in order.

    A contact that is an address with others counts only where it is the first of them.
    """
    own = (_ADDRESSES.tenant == CONTACTS.c.tenant, _ADDRESSES.contact_id == CONTACTS.c.contact_id)
    other = sa.exists().where(*own, _ADDRESSES.counted_since.is_(None))
    columns = [CONTACTS.c[name] for name in ("valid_since", "channel", "account", "uid")]
    alone = sa.select(*columns, CONTACTS.c.display_name).where(CONTACTS.c.tenant == _TENANT, columns[0].is_not(None))
    extra_columns = [_ADDRESSES[name] for name in ("counted_since", "channel", "account", "uid")]
    extra = (
        sa.select(*extra_columns, CONTACTS.c.display_name)
        .select_from(ADDRESS_CONTACTS.join(CONTACTS, sa.and_(*own)))
        .where(_ADDRESSES.tenant == _TENANT, _ADDRESSES.extra.is_(sa.true()), CONTACTS.c.valid_since.is_(None))
    )
    parts = []
    for part, names in ((alone.where(~other), columns), (extra, extra_columns)):
        later = part.where(sa.tuple_(*names) > sa.tuple_(*after), names[0] < before)
        parts.append(sa.select(later.order_by(*names).limit(most).subquery()))
    return sa.union_all(*parts).subquery("places")


def _page(most: sa.ColumnElement[Any], *, skipped: sa.ColumnElement[Any] | None = None) -> sa.Select[Any]:
    after = [
        sa.bindparam(f"after_{name}", type_=sa.BigInteger() if name == "subscribed_at" else sa.Text())
        for name in QuotaPosition._fields
    ]
    reach = most if skipped is None else most + skipped
    places = _places(reach, *after, before=sa.bindparam("before", type_=sa.BigInteger()))
    return sa.select(places).order_by(*list(places.c)[:-1]).offset(skipped).limit(most)


def _history(counted: sa.Subquery) -> str:
    """Selects the numbers at the end of each day on which they changed, up to a day."""
    change = sa.func.sum(counted.c.began - counted.c.ended)
    by_day = sa.select(counted.c.day, change.label("change")).where(
        counted.c.day <= sa.bindparam("upto", type_=sa.Integer())
    )
    days = by_day.group_by(counted.c.day).subquery("days")
    summed = sa.select(days.c.day, sa.cast(sa.func.sum(days.c.change).over(order_by=days.c.day), sa.BigInteger))
    return compiled(summed.order_by(days.c.day), "tenant", "upto")


_BOUNDARY_DAY: Final = _boundary_day(_DAYS)
_CUSTOMER_BOUNDARY_DAY: Final = _boundary_day(_CUSTOMER_DAYS)
_HISTORY: Final[dict[QuotaUnit, str]] = {"contacts": _history(_DAYS), "customers": _history(_CUSTOMER_DAYS)}
_SKIPPED: Final = sa.bindparam("skipped", type_=sa.BigInteger())
_AFTER: Final = tuple(f"after_{name}" for name in QuotaPosition._fields)
_ONE: Final = sa.literal(1, sa.BigInteger())
_OF_DAY: Final = compiled(_page(_ONE, skipped=_SKIPPED), "tenant", *_AFTER, "before", "skipped")
_PAGE: Final = compiled(_page(_LIMIT), "tenant", *_AFTER, "before", "limit")
_BY_ACCOUNT: Final = compiled(
    sa.select(_DAYS.c.channel, _DAYS.c.account, sa.cast(sa.func.sum(_DAYS.c.valid), sa.BigInteger))
    .group_by(_DAYS.c.channel, _DAYS.c.account)
    .order_by(_DAYS.c.channel, _DAYS.c.account),
    "tenant",
)
_CUSTOMERS: Final = sa.select(sa.cast(sa.func.coalesce(sa.func.sum(_CUSTOMER_DAYS.c.valid), 0), sa.BigInteger))
_VALID_CUSTOMER: Final = (CUSTOMER_ROWS.c.valid_since, CUSTOMER_ROWS.c.customer_id)
_CUSTOMER_OF_DAY: Final = compiled(
    sa.select(*_VALID_CUSTOMER)
    .where(
        CUSTOMER_ROWS.c.tenant == _TENANT,
        CUSTOMER_ROWS.c.valid_since >= sa.bindparam("begin", type_=sa.BigInteger()),
    )
    .order_by(*_VALID_CUSTOMER)
    .offset(_SKIPPED)
    .limit(1),
    *("tenant", "begin", "skipped"),
)
_IN_ORDER: Final = (*_VALID_CUSTOMER, CUSTOMER_CONTACTS.c.contact)
_OF_CUSTOMERS_AFTER: Final = compiled(
    sa.select(*_IN_ORDER, CUSTOMER_CONTACTS.c.subscribed_at, CONTACTS.c.display_name)
    .select_from(
        CUSTOMER_ROWS.join(
            CUSTOMER_CONTACTS,
            sa.and_(
                CUSTOMER_CONTACTS.c.tenant == CUSTOMER_ROWS.c.tenant,
                CUSTOMER_CONTACTS.c.customer_id == CUSTOMER_ROWS.c.customer_id,
            ),
        ).join(
            CONTACTS,
            sa.and_(
                CONTACTS.c.tenant == CUSTOMER_CONTACTS.c.tenant,
                CONTACTS.c.contact_id == CUSTOMER_CONTACTS.c.contact_id,
            ),
        )
    )
    .where(
        CUSTOMER_ROWS.c.tenant == _TENANT,
        CUSTOMER_CONTACTS.c.valid,
        CUSTOMER_CONTACTS.c.counted_as == CUSTOMER_CONTACTS.c.contact,
        sa.tuple_(*_VALID_CUSTOMER)
        >= sa.tuple_(sa.bindparam("since", type_=sa.BigInteger()), sa.bindparam("customer_id", type_=sa.Uuid())),
        sa.tuple_(*_IN_ORDER)
        > sa.tuple_(
            sa.bindparam("since", type_=sa.BigInteger()),
            sa.bindparam("customer_id", type_=sa.Uuid()),
            sa.bindparam("contact", type_=sa.Text()),
        ),
    )
    .order_by(*_IN_ORDER)
    .limit(_LIMIT),
    *("tenant", "since", "customer_id", "contact", "limit"),
)
_PLACES_OF: Final = compiled(
    sa.select(*_VALID_CUSTOMER).where(
        CUSTOMER_ROWS.c.tenant == _TENANT,
        CUSTOMER_ROWS.c.valid_since.is_not(None),
        CUSTOMER_ROWS.c.customer_id == sa.any_(array("customer_ids", sa.Uuid())),
    ),
    *("tenant", "customer_ids"),
)
_IS_CURRENT: Final = sa.exists().where(COMPOSED.c.tenant == _TENANT, COMPOSED.c.vector.is_not(None))
_NO_ADDRESSES: Final = ~sa.exists().where(ADDRESS_CONTACTS.c.tenant == _TENANT)


def _use() -> str:
    """Selects the data of the limit's event, null before the first, what is used, and whether that is current."""
    quota = LATEST_QUOTA.subquery("quota")
    one = sa.select(sa.literal(1)).subquery("one")
    contacts = sa.select(sa.func.coalesce(sa.func.sum(_DAYS.c.valid), 0)).scalar_subquery()
    of_customers = sa.func.coalesce(sa.cast(quota.c.data, postgresql.JSONB)["unit"].astext == "customers", sa.false())
    used = sa.case((of_customers, _CUSTOMERS.scalar_subquery()), else_=contacts)
    current = sa.or_(_IS_CURRENT, sa.and_(sa.not_(of_customers), _NO_ADDRESSES))
    with_quota = one.outerjoin(quota, sa.true())
    return compiled(sa.select(quota.c.data, sa.cast(used, sa.BigInteger), current).select_from(with_quota), "tenant")


_USE: Final = _use()


async def used_by_account(connection: Connection, tenant: str) -> list[AccountUse]:
    """The valid contacts of each account that ever had one, in the order of channels and accounts. One statement."""
    return [AccountUse(*row) for row in await connection.fetch(_BY_ACCOUNT, tenant)]


async def quota_use(connection: Connection, tenant: str) -> QuotaUse:
    """The limit and what is used of it. One statement, so in one snapshot."""
    ((data, used, current),) = await connection.fetch(_USE, tenant)
    if data is None:
        return QuotaUse(None, "contacts", used, current)
    setting = setting_of(data)
    return QuotaUse(setting.limit, setting.unit, used, current)


async def used_by_day(connection: Connection, tenant: str, unit: QuotaUnit, first: int, last: int) -> list[DayUse]:
    """The valid contacts, or customers, at the end of every day from the first to the last. One statement.

    Customers are those that there are now, each valid while any of its contacts was.
    """
    changed = {day: used for day, used in await connection.fetch(_HISTORY[unit], tenant, last)}  # noqa: C416 - rows
    used = changed[max(before)] if (before := [day for day in changed if day < first]) else 0
    found = []
    for day in range(first, last + 1):
        used = changed.get(day, used)
        found.append(DayUse(day, used))
    return found


async def boundary_of(connection: Connection, tenant: str, setting: QuotaSetting) -> QuotaBoundary:
    """What is last within the limit: what is after it is over quota. Two statements."""
    if setting.limit is None:
        return QuotaBoundary()
    if setting.unit == "customers":
        return QuotaBoundary(customer=await _last_customer(connection, tenant, min(setting.limit, _MOST)))
    return QuotaBoundary(address=await _last_address(connection, tenant, min(setting.limit, _MOST)))


async def _last_address(connection: Connection, tenant: str, limit: int) -> QuotaPosition | None:
    if limit == 0:
        return BEGINNING
    row = await connection.fetchrow(_BOUNDARY_DAY, tenant, limit)
    if row is None:
        return None
    day, before = row
    begin, end = day * MS_OF_DAY, (day + 1) * MS_OF_DAY
    found = await connection.fetchrow(_OF_DAY, tenant, begin, "", "", "", end, limit - before - 1)
    # Where corrections of addresses are still to be composed, the counters may be ahead of the contacts.
    return QuotaPosition(end, "", "", "") if found is None else QuotaPosition(*list(found)[:-1])


async def _last_customer(connection: Connection, tenant: str, limit: int) -> CustomerPlace | None:
    if limit == 0:
        return CustomerPlace(-1, _NOBODY)
    row = await connection.fetchrow(_CUSTOMER_BOUNDARY_DAY, tenant, limit)
    if row is None:
        return None
    day, before = row
    found = await connection.fetchrow(_CUSTOMER_OF_DAY, tenant, day * MS_OF_DAY, limit - before - 1)
    return None if found is None else CustomerPlace(*found)


async def contacts_after(connection: Connection, tenant: str, after: QuotaPosition, limit: int) -> list[ValidContact]:
    """The next valid addresses after a place, in the order of subscription: each by its contact. One statement."""
    rows: list[Any] = await connection.fetch(_PAGE, tenant, *after, _MOST, limit)
    return [ValidContact(QuotaPosition(*list(row)[:-1]), row[-1]) for row in rows]


class ContactOfCustomer(NamedTuple):
    """A valid contact, its place after its customer's, when it subscribed, and its display name."""

    place: CustomerPlace
    contact: str
    subscribed_at: int
    display_name: str | None


async def contacts_of_customers_after(
    connection: Connection, tenant: str, after: CustomerPlace, contact: str | None, limit: int
) -> list[ContactOfCustomer]:
    """The next valid addresses of the customers after a place; ``contact`` is the last one of that customer.

    Without it, the customers after that one. One statement.
    """
    last = _AFTER_EVERY_KEY if contact is None else contact
    rows: list[Any] = await connection.fetch(_OF_CUSTOMERS_AFTER, tenant, *after, last, limit)
    return [ContactOfCustomer(CustomerPlace(since, one), *rest) for since, one, *rest in rows]


async def customer_places(connection: Connection, tenant: str, ids: Collection[UUID]) -> dict[UUID, CustomerPlace]:
    """The places of those of the customers that are valid. One statement."""
    return {row[1]: CustomerPlace(*row) for row in await connection.fetch(_PLACES_OF, tenant, list(ids))}
