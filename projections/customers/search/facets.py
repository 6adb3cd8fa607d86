"""How the customers that a filter finds spread over tags, attributes, channels, accounts and the like."""

from collections.abc import Collection, Mapping
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from projections.customers import terms
from projections.customers.search.conditions import StatementParameters, tags_ended
from projections.customers.search.exact import is_all
from projections.customers.search.known_values import expired_of
from projections.customers.search.queries import Search, condition_of
from projections.customers.tables import ATTRIBUTE_VALUES, CUSTOMER_CONTACTS, CUSTOMER_ROWS, CUSTOMER_TERMS
from projections.engine.connection import Connection
from projections.engine.statements import compiled, compiled_once

FacetName = Literal["tag", "attribute", "channel", "account", "branch", "staff", "bound", "opted_out", "notifications"]

_ROW: Final = CUSTOMER_ROWS.c
_CONTACT: Final = CUSTOMER_CONTACTS.c
# What is counted of contacts: a column, or each value of a column of arrays.
_OF_CONTACTS: Final[dict[FacetName, sa.ColumnElement[Any]]] = {
    "channel": _CONTACT.channel,
    "account": _CONTACT.account,
    "branch": _CONTACT.branch,
    "staff": _CONTACT.staff,
    "bound": _CONTACT.bound,
    "opted_out": sa.func.unnest(_CONTACT.opted_out),
    "notifications": sa.func.unnest(_CONTACT.notified),
}
_MOST_TAGS: Final = 10_000
_MOST_VALUES: Final = 50_000
# What terms are counted by. A tag's term stays after the tagging has run out: see `_live_tags`.
KINDS: Final[dict[FacetName, str]] = {
    "tag": terms.TAG,
    "attribute": terms.ATTRIBUTE,
    "channel": terms.CHANNEL,
    "account": terms.ACCOUNT,
    "branch": terms.BRANCH,
    "staff": terms.STAFF,
    "bound": terms.BOUND,
    "opted_out": terms.OPTED_OUT,
    "notifications": terms.NOTIFIED,
}
_TERMS: Final = compiled(
    sa.select(CUSTOMER_TERMS.c.value, CUSTOMER_TERMS.c.customers)
    .where(
        CUSTOMER_TERMS.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
        CUSTOMER_TERMS.c.kind == sa.bindparam("kind", type_=sa.Text()),
        CUSTOMER_TERMS.c.customers > 0,
    )
    .order_by(CUSTOMER_TERMS.c.customers.desc(), CUSTOMER_TERMS.c.value)
    .limit(sa.bindparam("limit", type_=sa.Integer())),
    *("tenant", "kind", "limit"),
)


_CARRIERS: Final = compiled(
    sa.select(CUSTOMER_TERMS.c.customers).where(
        CUSTOMER_TERMS.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
        CUSTOMER_TERMS.c.kind == sa.bindparam("kind", type_=sa.Text()),
        CUSTOMER_TERMS.c.value == sa.bindparam("key", type_=sa.Text()),
    ),
    *("tenant", "kind", "key"),
)


def _values() -> str:
    """Selects the commonest values of an attribute, and of all of them how many customers and rows that are."""
    every = (
        sa.select(ATTRIBUTE_VALUES.c.text, ATTRIBUTE_VALUES.c.customers)
        .where(
            ATTRIBUTE_VALUES.c.tenant == sa.bindparam("tenant", type_=sa.Text()),
            ATTRIBUTE_VALUES.c.key == sa.bindparam("key", type_=sa.Text()),
        )
        .limit(_MOST_VALUES + 1)
        .subquery("every")
    )
    customers, rows = sa.func.sum(every.c.customers), sa.func.count()
    totals = (sa.cast(sa.func.sum(one).over(), sa.BigInteger()) for one in (customers, rows))
    found = sa.select(every.c.text, sa.cast(customers, sa.BigInteger()), *totals).group_by(every.c.text)
    ordered = found.order_by(customers.desc(), every.c.text).limit(sa.bindparam("limit", type_=sa.Integer()))
    return compiled(ordered, *("tenant", "key", "limit"))


_VALUES: Final = _values()


class FacetCount(NamedTuple):
    """A value as text, and how many of the customers have it."""

    value: str
    customers: int


async def facets_by_terms(
    connection: Connection, search: Search, names: Collection[FacetName], limit: int
) -> dict[FacetName, list[FacetCount]]:
    """The same of several facets from the customers' terms, of which one scan counts all. Two statements at most.

    Left out are facets with values that terms cut, or with too many of them.
    """
    parameters = StatementParameters()
    kinds = [KINDS[name] for name in names]
    counted = compiled_once(_by_terms(search, kinds, parameters), *parameters.values)
    rows = await connection.fetch(counted, *parameters.values.values())
    found: dict[FacetName, list[FacetCount]] = {}
    for name, kind in zip(names, kinds, strict=True):
        own = [FacetCount(value, customers) for of, value, customers in rows if of == kind]
        if len(own) <= _MOST_TAGS and not any(len(one.value) >= terms.LONGEST for one in own):
            found[name] = own
    if "tag" in found:
        found["tag"] = _less_ended(found["tag"], await _ended(connection, search))
    return {name: own[:limit] for name, own in found.items()}


def _by_terms(search: Search, kinds: list[str], parameters: StatementParameters) -> sa.Select[Any]:
    """Selects the values of kinds that any of the found customers has, the commonest first."""
    term = sa.func.unnest(_ROW.terms).label("term")
    each = sa.select(term).where(condition_of(search, parameters)).subquery("each")
    number = sa.func.count().label("customers")
    counted = sa.select(each.c.term, number).group_by(each.c.term).subquery("counted")
    named = CUSTOMER_TERMS.c
    of_kinds = counted.join(
        CUSTOMER_TERMS,
        sa.and_(
            named.tenant == parameters(search.tenant, sa.Text()),
            named.term == counted.c.term,
            named.kind == sa.any_(parameters(kinds, sa.ARRAY(sa.Text()))),
        ),
    )
    place = sa.func.row_number().over(partition_by=named.kind, order_by=[counted.c.customers.desc(), named.value])
    placed = sa.select(named.kind, named.value, counted.c.customers, place.label("place")).select_from(of_kinds)
    ordered = placed.subquery("placed")
    most = parameters(_MOST_TAGS + 1, sa.BigInteger())
    return sa.select(*list(ordered.c)[:3]).where(ordered.c.place <= most).order_by(ordered.c.kind, ordered.c.place)


async def _ended(connection: Connection, search: Search) -> dict[str, int]:
    """On how many of the found customers each tag has run out; only those are looked at on whom any has."""
    parameters = StatementParameters()
    each = _each_tag()
    ended = (
        sa.select(each.c.tag, sa.func.count())
        .select_from(CUSTOMER_ROWS.join(each, sa.true()))
        .where(
            condition_of(search, parameters),
            tags_ended(search.asked, parameters),
            sa.not_(_is_live(each, search, parameters)),
        )
        .group_by(each.c.tag)
    )
    text = compiled_once(ended, *parameters.values)
    return dict(map(tuple, await connection.fetch(text, *parameters.values.values())))


def _less_ended(tags: Collection[FacetCount], ended: Mapping[str, int]) -> list[FacetCount]:
    live = (FacetCount(value, customers - ended.get(value, 0)) for value, customers in tags)
    return sorted((one for one in live if one.customers), key=lambda one: (-one.customers, one.value))


async def facet(connection: Connection, search: Search, name: FacetName, limit: int) -> list[FacetCount]:
    """The commonest values among the customers that the filter finds, the commonest first. One statement."""
    parameters = StatementParameters()
    if name == "tag":
        values = _tags(search, parameters)
    elif name == "attribute":
        keys = sa.func.jsonb_object_keys(_ROW.attributes).label("value")
        values = sa.select(keys, _ROW.customer_id).where(condition_of(search, parameters))
    else:
        values = _of_contacts(search, name, parameters)
    return await _counted(connection, values, parameters, limit)


async def facet_of_all(connection: Connection, search: Search, name: FacetName, limit: int) -> list[FacetCount] | None:
    """The same from the counts of terms, for any number of customers; None where these do not say it exactly.

    They say it of all customers, and of values that are not cut. Two statements at most.
    """
    if not is_all(search.filter):
        return None
    found: list[FacetCount] | None
    if name == "tag":
        found = await _live_tags(connection, search, limit)
    else:
        found = [FacetCount(*row) for row in await connection.fetch(_TERMS, search.tenant, KINDS[name], limit)]
    return None if found is None or any(len(one.value) >= terms.LONGEST for one in found) else found


async def _live_tags(connection: Connection, search: Search, limit: int) -> list[FacetCount] | None:
    """The commonest tags of all customers, without those that have run out; None if there are too many to count."""
    rows = await connection.fetch(_TERMS, search.tenant, terms.TAG, _MOST_TAGS + 1)
    names = [value for value, _ in rows]
    expired = await expired_of(connection, search.tenant, names, search.asked.now)
    if expired is None or len(rows) > _MOST_TAGS:
        return None
    return _less_ended([FacetCount(*row) for row in rows], expired)[:limit]


async def attribute_values_of_all(
    connection: Connection, search: Search, key: str, limit: int
) -> list[FacetCount] | None:
    """The same from counts, for any number of customers; None where these do not say it, or of very many values."""
    if not is_all(search.filter):
        return None
    rows = await connection.fetch(_VALUES, search.tenant, key, limit)
    carriers = await connection.fetchval(_CARRIERS, search.tenant, terms.ATTRIBUTE, key)
    _, _, counted, values = rows[0] if rows else ("", 0, 0, 0)
    if values > _MOST_VALUES or counted != (carriers or 0):  # long values are not among those that are counted
        return None
    return [FacetCount(value, customers) for value, customers, *_ in rows]


async def attribute_values(connection: Connection, search: Search, key: str, limit: int) -> list[FacetCount]:
    """The commonest values of an attribute among the customers that the filter finds. One statement."""
    parameters = StatementParameters()
    setting = _ROW.attributes[parameters(key, sa.Text())]
    values = sa.select(setting[1].astext.label("value"), _ROW.customer_id).where(
        condition_of(search, parameters), setting.is_not(None)
    )
    return await _counted(connection, values, parameters, limit)


def _tags(search: Search, parameters: StatementParameters) -> sa.Select[Any]:
    """The tags that have not run out."""
    each = _each_tag()
    return (
        sa.select(each.c.tag.label("value"), _ROW.customer_id)
        .select_from(CUSTOMER_ROWS.join(each, sa.true()))
        .where(condition_of(search, parameters), _is_live(each, search, parameters))
    )


def _each_tag() -> sa.FromClause:
    return (
        sa.func.jsonb_each(_ROW.tags)
        .table_valued(sa.column("tag", sa.Text()), sa.column("parts", JSONB))
        .render_derived(name="each_tag")
    )


def _is_live(each: sa.FromClause, search: Search, parameters: StatementParameters) -> sa.ColumnElement[bool]:
    """Whether a tag has not run out: any of its parts has an end that is to come, or none."""
    part = (
        sa.func.jsonb_array_elements(each.c.parts)
        .table_valued(sa.column("part", JSONB))
        .render_derived(name="each_part")
    )
    end = sa.cast(part.c.part[2].astext, sa.BigInteger())
    now = parameters(search.asked.now, sa.BigInteger())
    return sa.exists(sa.select(sa.literal(1)).select_from(part).where(sa.or_(end.is_(None), end > now)).correlate(each))


def _of_contacts(search: Search, name: FacetName, parameters: StatementParameters) -> sa.Select[Any]:
    own = sa.and_(_CONTACT.tenant == _ROW.tenant, _CONTACT.customer_id == _ROW.customer_id)
    value = _OF_CONTACTS[name].label("value")
    return (
        sa.select(value, _ROW.customer_id)
        .select_from(CUSTOMER_ROWS.join(CUSTOMER_CONTACTS, own))
        .where(condition_of(search, parameters))
        .distinct()
    )


async def _counted(
    connection: Connection, values: sa.Select[Any], parameters: StatementParameters, limit: int
) -> list[FacetCount]:
    found = values.subquery("found")
    number = sa.func.count()
    counted = (
        sa.select(found.c.value, number)
        .where(found.c.value.is_not(None))
        .group_by(found.c.value)
        .order_by(number.desc(), found.c.value)
        .limit(parameters(limit, sa.BigInteger()))
    )
    text = compiled_once(counted, *parameters.values)
    return [FacetCount(*row) for row in await connection.fetch(text, *parameters.values.values())]
