"""The values that a tenant's customers have, in their order: what an editor of filters proposes while somebody types.

Each statement reads a bounded number of rows of an index, whatever a tenant has.
"""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

import orjson
import sqlalchemy as sa

from projections.customers.tables import ATTRIBUTE_VALUES, CUSTOMER_TERMS, TAG_ENDS
from projections.customers.terms import LONGEST, TAG
from projections.customers.value_counts import key_of_value, value_of
from projections.engine.connection import Connection
from projections.engine.statements import array, compiled

_SPARE: Final = 200  # rows beyond a page's that are read: of terms that no customer has any more
_MOST_ENDS: Final = 100_000  # different ones that tags ran out at, of all that are asked for together
_BEYOND: Final = "\U0010ffff"  # no value has this character
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_PREFIX: Final = sa.bindparam("prefix", type_=sa.Text())
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer())
TERMS: Final = compiled(
    sa.select(CUSTOMER_TERMS.c.value, CUSTOMER_TERMS.c.customers)
    .where(
        CUSTOMER_TERMS.c.tenant == _TENANT,
        CUSTOMER_TERMS.c.kind == sa.bindparam("kind", type_=sa.Text()),
        CUSTOMER_TERMS.c.value >= _PREFIX,
        CUSTOMER_TERMS.c.value > sa.bindparam("after", type_=sa.Text()),
        CUSTOMER_TERMS.c.value < sa.bindparam("below", type_=sa.Text()),
    )
    .order_by(CUSTOMER_TERMS.c.value)
    .limit(_LIMIT),
    *("tenant", "kind", "prefix", "after", "below", "limit"),
)


VALUES: Final = compiled(
    sa.select(ATTRIBUTE_VALUES.c.text, ATTRIBUTE_VALUES.c.kind, ATTRIBUTE_VALUES.c.customers)
    .where(
        ATTRIBUTE_VALUES.c.tenant == _TENANT,
        ATTRIBUTE_VALUES.c.key == sa.bindparam("key", type_=sa.Text()),
        ATTRIBUTE_VALUES.c.text >= _PREFIX,
        sa.tuple_(ATTRIBUTE_VALUES.c.text, ATTRIBUTE_VALUES.c.kind)
        > sa.tuple_(sa.bindparam("after", type_=sa.Text()), sa.bindparam("after_kind", type_=sa.Text())),
        ATTRIBUTE_VALUES.c.text < sa.bindparam("below", type_=sa.Text()),
    )
    .order_by(ATTRIBUTE_VALUES.c.text, ATTRIBUTE_VALUES.c.kind)
    .limit(_LIMIT),
    *("tenant", "key", "prefix", "after", "after_kind", "below", "limit"),
)


def _expired() -> str:
    """Selects of tags on how many customers they ran out, and how many different ends that are."""
    tags = array("tags", sa.Text())
    ended = (
        sa.select(TAG_ENDS.c.tag, TAG_ENDS.c.customers)
        .where(
            TAG_ENDS.c.tenant == _TENANT,
            TAG_ENDS.c.tag == sa.any_(tags),
            TAG_ENDS.c.ends_at <= sa.bindparam("now", type_=sa.BigInteger()),
        )
        .limit(_MOST_ENDS + 1)
        .subquery("ended")
    )
    customers = sa.cast(sa.func.sum(ended.c.customers), sa.BigInteger())
    return compiled(
        sa.select(ended.c.tag, customers, sa.func.count()).group_by(ended.c.tag), *("tenant", "tags", "now")
    )


_EXPIRED: Final = _expired()


class KnownValue(NamedTuple):
    """A value, and how many customers have it."""

    value: Any
    customers: int


class ValuesAsked(NamedTuple):
    """A page of values: those that begin so, after another one, and how many at most."""

    prefix: str
    after: str
    limit: int


class KnownValues(NamedTuple):
    """Some values in their order, and the one after which the next page begins; None at the end.

    The counts are ``exact``, but where very many tags ran out, or very long ones may have: these count all the same.
    """

    values: list[KnownValue]
    next: str | None
    exact: bool = True


def below(prefix: str) -> str:
    """A text that is greater than all that begin with the prefix."""
    return prefix + _BEYOND


async def values_of(connection: Connection, tenant: str, kind: str, asked: ValuesAsked, now: int) -> KnownValues:
    """The next values of a kind of terms, with exact counts at the moment ``now``, in ms. Two statements at most.

    A page may be shorter than its limit, and even empty, and still not be the last.
    """
    prefix, after, limit = asked
    most = limit + _SPARE
    rows = await connection.fetch(TERMS, tenant, kind, prefix, after, below(prefix), most)
    expired, exact = dict[str, int](), True
    if kind == TAG:
        names = [value for value, _ in rows if len(value) < LONGEST]
        counted = await expired_of(connection, tenant, names, now)
        expired, exact = counted or {}, counted is not None and len(names) == len(rows)
    found = [KnownValue(value, customers - expired.get(value, 0)) for value, customers in rows]
    found = [one for one in found if one.customers]
    if len(found) > limit:
        return KnownValues(found[:limit], found[limit - 1].value, exact)
    return KnownValues(found, rows[-1][0] if len(rows) == most else None, exact)


async def expired_of(connection: Connection, tenant: str, tags: Collection[str], now: int) -> dict[str, int] | None:
    """On how many customers each tag has run out at the moment ``now``; None if that were too much to count."""
    rows = await connection.fetch(_EXPIRED, tenant, list(tags), now)
    if sum(number for *_, number in rows) > _MOST_ENDS:
        return None
    return {tag: customers for tag, customers, _ in rows}


async def attribute_values(connection: Connection, tenant: str, key: str, asked: ValuesAsked) -> KnownValues:
    """The next values of an attribute, in the order of their texts, with exact counts. One statement.

    Those of more than 200 characters are left out: nobody chooses them from a list. Raises ValueError for a place
    ``after`` that is none.
    """
    prefix, after, limit = asked
    place = key_of_value(orjson.loads(after)) if after else ("", "")
    rows = await connection.fetch(VALUES, tenant, key, prefix, *place, below(prefix), limit + 1)
    found = [KnownValue(value_of(text, kind), customers) for text, kind, customers in rows[:limit]]
    return KnownValues(found, orjson.dumps(found[-1].value).decode() if len(rows) > limit else None)
