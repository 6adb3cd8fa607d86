"""Searches in PostgreSQL. Call everything of one answer in one snapshot."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.customers.rows import MS_OF_HOUR
from projections.customers.search import filters
from projections.customers.search.asking import AskedAt
from projections.customers.search.conditions import Conditions, StatementParameters
from projections.customers.search.exact import contact_test
from projections.customers.tables import COMPOSED, CUSTOMER_CONTACTS, CUSTOMER_ROWS, CUSTOMER_TERMS
from projections.customers.terms import Term, term_id
from projections.engine.connection import Connection
from projections.engine.statements import array, compiled, compiled_once, unnested
from projections.engine.store import columns
from projections.engine.touched import seconds_waiting
from projections.timeline.tables import TABLE as TIMELINE

SortField = Literal["last_customer", "last_team", "last_marketing", "first_seen", "valid_since", "name"]

FEW: Final = 2_000  # customers that are all looked at rather than walked to in the order of the page
_WALKS: Final = (2_000, 20_000)  # customers, in the order of the page, before all that may fulfil the filter are
_MOST_EVENTS: Final = 1_000  # at the times that are looked up
_CONTACTS_EACH: Final = 2  # contacts of a customer that are looked at to count so many customers
_ROW: Final = CUSTOMER_ROWS.c
_CONTACT: Final = CUSTOMER_CONTACTS.c
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
# By what rows are sorted. Times that change often are indexed by their hour, which is in the same order.
_SORTS: Final[dict[SortField, tuple[sa.Column[Any], ...]]] = {
    "last_customer": (_ROW.last_customer_hour, _ROW.last_customer_at),
    "last_team": (_ROW.last_team_hour, _ROW.last_team_at),
    "last_marketing": (_ROW.last_marketing_hour, _ROW.last_marketing_at),
    "first_seen": (_ROW.first_seen_at,),
    "valid_since": (_ROW.valid_since,),
    "name": (_ROW.name,),
}
_SHOWN: Final = (
    "customer_id", "member_id", "phone", "email", "name", "valid", "contacts", "conflicts", "first_seen_at",
    "last_customer_at", "last_team_at", "last_marketing_at", "valid_since", "tags", "attributes",
)  # fmt: skip
_ROWS_OF: Final = compiled(
    sa.select(*(_ROW[name] for name in _SHOWN)).where(
        _ROW.tenant == _TENANT, _ROW.customer_id == sa.any_(array("customer_ids", sa.Uuid()))
    ),
    *("tenant", "customer_ids"),
)
_COUNTS: Final = compiled(
    sa.select(CUSTOMER_TERMS.c.kind, CUSTOMER_TERMS.c.value, CUSTOMER_TERMS.c.customers).where(
        CUSTOMER_TERMS.c.tenant == _TENANT, CUSTOMER_TERMS.c.term == sa.any_(array("ids", sa.BigInteger()))
    ),
    "tenant",
    "ids",
)
_ACCOUNTS: Final = compiled(
    sa.select(CUSTOMER_CONTACTS.c.customer_id, CUSTOMER_CONTACTS.c.account, sa.func.bool_or(CUSTOMER_CONTACTS.c.valid))
    .where(
        CUSTOMER_CONTACTS.c.tenant == _TENANT,
        CUSTOMER_CONTACTS.c.customer_id == sa.any_(array("customer_ids", sa.Uuid())),
    )
    .group_by(CUSTOMER_CONTACTS.c.customer_id, CUSTOMER_CONTACTS.c.account)
    .order_by(CUSTOMER_CONTACTS.c.customer_id, CUSTOMER_CONTACTS.c.account),
    "tenant",
    "customer_ids",
)
_GIVEN: Final = unnested("given", [TIMELINE.c.contact_id, TIMELINE.c.occurred_at])
_EVENTS_AT: Final = compiled(
    sa.select(TIMELINE.c.contact_id, TIMELINE.c.occurred_at, TIMELINE.c.event_id, TIMELINE.c.type)
    .select_from(
        _GIVEN.join(
            TIMELINE,
            sa.and_(
                TIMELINE.c.tenant == _TENANT,
                TIMELINE.c.contact_id == _GIVEN.c.contact_id,
                TIMELINE.c.occurred_at == _GIVEN.c.occurred_at,
            ),
        )
    )
    .order_by(TIMELINE.c.event_id)
    .limit(_MOST_EVENTS),
    "tenant",
    *_GIVEN.c.keys(),
)
_COMPOSED: Final = compiled(
    sa.select(COMPOSED.c.position, COMPOSED.c.vector, seconds_waiting(_TENANT).label("behind")).where(
        COMPOSED.c.tenant == _TENANT
    ),
    "tenant",
)
_PLANNED: Final = compiled(
    sa.select(
        sa.func.set_config("plan_cache_mode", "force_custom_plan", sa.true()),
        sa.func.set_config("max_parallel_workers_per_gather", "0", sa.true()),
    )
)
_ALL_SCANS: Final = compiled(
    sa.select(
        *(
            sa.func.set_config(name, sa.bindparam("switch", type_=sa.Text()), sa.true())
            for name in ("enable_bitmapscan", "enable_seqscan")
        )
    ),
    "switch",
)


class Sort(NamedTuple):
    """By which field, and in which direction. Customers without a value come last in both."""

    by: SortField = "last_customer"
    descending: bool = True


class Position(NamedTuple):
    """A customer's place among those that are sorted: its value, None for none, and its id."""

    value: int | str | None
    customer_id: UUID


class Page(NamedTuple):
    """Which of the customers that are found: so many in an order, those after a place.

    ``most`` is a number that is at least that of all that are found, as far as it is known; ``found`` is that number
    itself, if all were counted. ``among`` is how many customers there are.
    """

    sort: Sort
    limit: int
    after: Position | None = None
    most: int | None = None
    found: int | None = None
    among: int | None = None

    @property
    def is_walked_to(self) -> bool:
        """Whether a walk in the order of the page probably passes fewer customers than are found.

        It passes ``among / found`` customers for each one of the page.
        """
        if self.most is None or self.most <= FEW:
            return False
        return self.found is None or self.found**2 > self.limit * (self.among or self.most)


class Search(NamedTuple):
    """What is searched: a filter among a tenant's customers, asked at a moment."""

    tenant: str
    filter: filters.FilterNode
    asked: AskedAt


class Composed(NamedTuple):
    """Of which moment the customer rows are.

    ``vector`` is JSON of the next offset of each partition, by topic; None while changes beyond it are being taken in.
    ``complete`` is false before every customer has a row. ``seconds_behind`` is how long the earliest change has waited
    that is in no row.
    """

    vector: str | None
    complete: bool
    seconds_behind: int = 0


def condition_of(search: Search, parameters: StatementParameters) -> sa.ColumnElement[bool]:
    """The condition on rows that the search finds."""
    condition = Conditions(search.tenant, search.asked, parameters).of(search.filter)
    return sa.and_(_ROW.tenant == parameters(search.tenant, sa.Text()), condition)


async def rows_of(connection: Connection, tenant: str, customer_ids: Sequence[UUID]) -> list[Any]:
    """The rows of these customers, as `page` gives them and in the order in which they are given. One statement."""
    rows = {row["customer_id"]: row for row in await connection.fetch(_ROWS_OF, tenant, customer_ids)}
    return [rows[one] for one in customer_ids]


async def plan_for_values(connection: Connection) -> None:
    """Have the statements of this transaction planned for their values: of a filter, those are what matters.

    A search takes one processor: the others are for other readers.
    """
    await connection.fetchrow(_PLANNED)


async def page(connection: Connection, search: Search, wanted: Page) -> list[Any]:
    """The rows of a page, as records of the fields that a list shows.

    Where few are found, or may be, all are looked at and sorted. Many are walked in the order of the page, which soon
    ends if enough of them fulfil the filter; where a walk of bounded length gives too few, all are looked at.
    """
    found: list[Any] = []
    if wanted.after is None or wanted.after.value is not None:
        found = await _page(connection, search, wanted)
    if len(found) < wanted.limit and wanted.sort.by != "first_seen":
        beyond = wanted.after if wanted.after is not None and wanted.after.value is None else None
        rest = wanted._replace(limit=wanted.limit - len(found), after=beyond)
        found += await _page_of_none(connection, search, rest)
    return found


async def count(connection: Connection, search: Search, most: int | None) -> int:
    """How many customers there are; with ``most``, no more than so many are counted."""
    part = contact_test(search.filter)
    if part is not None and not (search.asked.customer_end and _asks_quota(part)):
        found = await _count_by_contacts(connection, search, part, most)
        if found is not None:
            return found
    parameters = StatementParameters()
    inner = sa.select(sa.literal(1).label("one")).where(condition_of(search, parameters))
    if most is not None:
        inner = inner.limit(parameters(most, sa.BigInteger()))
    counted = sa.select(sa.func.count()).select_from(inner.subquery("found"))
    return int(await connection.fetchval(compiled_once(counted, *parameters.values), *parameters.values.values()))


def _asks_quota(node: filters.FilterNode) -> bool:
    """Whether the filter asks for contacts over quota, which a quota of customers tells by the customer's row."""
    return any(isinstance(one, filters.ByQuota) for one in filters.walk(node))


async def _count_by_contacts(
    connection: Connection, search: Search, part: filters.FilterNode, most: int | None
) -> int | None:
    """The same where one contact decides: from the contacts alone, of which the indexes have what most filters ask.

    None if the contacts that are looked at are of fewer customers than ``most``, and there are more contacts.
    """
    parameters = StatementParameters()
    found = sa.select(_CONTACT.customer_id).where(
        _CONTACT.tenant == parameters(search.tenant, sa.Text()),
        Conditions(search.tenant, search.asked, parameters).of_contact(part),
    )
    looked_at = None if most is None else most * _CONTACTS_EACH
    if looked_at is not None:
        found = found.limit(parameters(looked_at, sa.BigInteger()))
    one = found.subquery("found").c.customer_id
    counted = compiled_once(sa.select(sa.func.count(), sa.func.count(one.distinct())), *parameters.values)
    ((contacts, customers),) = await connection.fetch(counted, *parameters.values.values())
    if most is None or contacts < looked_at:
        return int(customers) if most is None else min(customers, most)
    return most if customers >= most else None


async def counts_of(connection: Connection, tenant: str, terms: Collection[Term]) -> dict[Term, int]:
    """How many customers have each term; a term that none has may be missing."""
    ids = [term_id(tenant, term) for term in terms]
    return {Term(kind, value): number for kind, value, number in await connection.fetch(_COUNTS, tenant, ids)}


async def accounts_of(
    connection: Connection, tenant: str, customer_ids: Sequence[UUID]
) -> Mapping[UUID, list[tuple[str, bool]]]:
    """The accounts of customers, sorted, and whether the customer has a valid contact there."""
    found: dict[UUID, list[tuple[str, bool]]] = {}
    for customer_id, account, valid in await connection.fetch(_ACCOUNTS, tenant, customer_ids):
        found.setdefault(customer_id, []).append((account, valid))
    return found


async def composed(connection: Connection, tenant: str) -> Composed:
    """Of which moment the tenant's customer rows are."""
    row = await connection.fetchrow(_COMPOSED, tenant)
    return Composed(row["vector"], row["position"] is None, row["behind"]) if row else Composed(None, complete=False)


class EventAt(NamedTuple):
    """An event of a contact at a time."""

    contact_id: UUID
    occurred_at: int
    event_id: str
    type: str


async def events_at(connection: Connection, tenant: str, times: Collection[tuple[UUID, int]]) -> list[EventAt]:
    """The events of contacts at times, given as (contact, time), in the order of their ids; of very many some."""
    return [EventAt(*row) for row in await connection.fetch(_EVENTS_AT, tenant, *columns(times))] if times else []


async def _page(connection: Connection, search: Search, wanted: Page) -> list[Any]:
    for customers in _WALKS if wanted.is_walked_to else ():
        end = await _end_of_walk(connection, search.tenant, wanted, customers)
        rows = await _walked(connection, search, wanted, end)
        if end is None or len(rows) == wanted.limit:
            return rows
    return await _sorted(connection, search, wanted)


async def _end_of_walk(connection: Connection, tenant: str, wanted: Page, customers: int) -> Any:
    """The value of the first column that a page is sorted by, where a walk past so many customers ends.

    None if the walk comes to the end of all customers. It reads the index alone.
    """
    parameters, sort = StatementParameters(), wanted.sort
    column = _SORTS[sort.by][0]
    conditions = [_ROW.tenant == parameters(tenant, sa.Text()), column.is_not(None)]
    if wanted.after is not None:
        begin = parameters(_sorted_by(sort, wanted.after)[0], column.type)
        conditions.append(column <= begin if sort.descending else column >= begin)
    order, most = _directed([column], sort), parameters(customers, sa.BigInteger())
    walk = sa.select(column).where(*conditions).order_by(*order).offset(most).limit(1)
    return await connection.fetchval(compiled_once(walk, *parameters.values), *parameters.values.values())


async def _walked(connection: Connection, search: Search, wanted: Page, end: Any) -> list[Any]:
    """Those of the page up to where the walk ends."""
    parameters = StatementParameters()
    conditions, sorted_by = _valued(search, wanted, parameters)
    if end is not None:
        last = parameters(end, sorted_by[0].type)
        conditions.append(sorted_by[0] >= last if wanted.sort.descending else sorted_by[0] <= last)
    await connection.fetchrow(_ALL_SCANS, "off")  # what is left is the index of the order
    rows = await _rows(connection, parameters, conditions, _directed(sorted_by, wanted.sort), wanted.limit)
    await connection.fetchrow(_ALL_SCANS, "on")
    return rows


async def _sorted(connection: Connection, search: Search, wanted: Page) -> list[Any]:
    """The same of all customers: all that fulfil the filter are found before they are sorted."""
    parameters = StatementParameters()
    conditions, sorted_by = _valued(search, wanted, parameters)
    found = sa.select(*sorted_by).where(*conditions).cte("found").prefix_with("MATERIALIZED")
    order = _directed([found.c[column.name] for column in sorted_by], wanted.sort)
    first = sa.select(found.c.customer_id).order_by(*order).limit(parameters(wanted.limit, sa.BigInteger()))
    among = [_ROW.tenant == parameters(search.tenant, sa.Text()), _ROW.customer_id.in_(first)]
    return await _rows(connection, parameters, among, _directed(sorted_by, wanted.sort), wanted.limit)


def _valued(
    search: Search, wanted: Page, parameters: StatementParameters
) -> tuple[list[sa.ColumnElement[bool]], list[sa.Column[Any]]]:
    """The condition on those of a page that have a value, and the columns by which they are sorted."""
    sort, after = wanted.sort, wanted.after
    sorted_by = [*_SORTS[sort.by], _ROW.customer_id]
    conditions = [condition_of(search, parameters), *(column.is_not(None) for column in _SORTS[sort.by])]
    if after is not None:
        place = sa.tuple_(*sorted_by)
        values = _sorted_by(sort, after)
        limits = sa.tuple_(*(parameters(*both) for both in zip(values, [one.type for one in sorted_by], strict=True)))
        conditions.append(place < limits if sort.descending else place > limits)
    return conditions, sorted_by


def _directed(sorted_by: Iterable[sa.ColumnElement[Any]], sort: Sort) -> list[sa.ColumnElement[Any]]:
    return [column.desc() if sort.descending else column.asc() for column in sorted_by]


async def _page_of_none(connection: Connection, search: Search, wanted: Page) -> list[Any]:
    """Those without a value, in the order of their ids."""
    parameters = StatementParameters()
    conditions = [condition_of(search, parameters), _SORTS[wanted.sort.by][0].is_(None)]
    if wanted.after is not None:
        conditions.append(_ROW.customer_id > parameters(wanted.after.customer_id, sa.Uuid()))
    return await _rows(connection, parameters, conditions, [_ROW.customer_id.asc()], wanted.limit)


async def _rows(
    connection: Connection,
    parameters: StatementParameters,
    conditions: Sequence[sa.ColumnElement[bool]],
    order: Sequence[sa.ColumnElement[Any]],
    limit: int,
) -> list[Any]:
    chosen = (
        sa.select(*(_ROW[name] for name in _SHOWN))
        .where(*conditions)
        .order_by(*order)
        .limit(parameters(limit, sa.BigInteger()))
    )
    return list(await connection.fetch(compiled_once(chosen, *parameters.values), *parameters.values.values()))


def _sorted_by(sort: Sort, position: Position) -> tuple[Any, ...]:
    """The position's values of the columns by which rows are sorted."""
    hours = (position.value // MS_OF_HOUR,) if isinstance(position.value, int) and len(_SORTS[sort.by]) > 1 else ()
    return (*hours, position.value, position.customer_id)
