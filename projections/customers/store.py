"""Customer rows in PostgreSQL, with the counts of their terms. Only the composer writes them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Container, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.valid_days import less
from projections.customers.contacts_store import change_days, replace_addresses, replace_contacts
from projections.customers.days import composed_days
from projections.customers.loading import FIRST, CountedCustomer
from projections.customers.rows import MS_OF_HOUR, ComposedCustomer, customer_row
from projections.customers.tables import (
    ADDRESS_CONTACTS,
    ATTRIBUTE_VALUES,
    COMPOSED,
    COMPOSED_CHANGES,
    COMPOSED_DAYS,
    CUSTOMER_CONTACTS,
    CUSTOMER_ROWS,
    CUSTOMER_TERMS,
    TAG_ENDS,
    ComposedRow,
    CustomerSummaryRow,
    CustomerTermRow,
)
from projections.customers.terms import Term, term_id
from projections.customers.value_counts import Facts, value_counts
from projections.customers.value_counts_store import change_value_counts
from projections.engine.connection import Connection
from projections.engine.metadata import key_columns, row_columns
from projections.engine.offsets import next_offsets
from projections.engine.statements import array, compiled, unnested
from projections.engine.store import columns, delete_matching, insert, insert_with, save, upsert
from projections.engine.touched import is_touched
from projections.identity.keys import ResolutionKey
from projections.identity.tables import MEMBERS


class SampledRow(NamedTuple):
    """What of a customer's row tells what other tables must have."""

    customer_id: UUID
    terms: Sequence[int]
    valid_days: str
    attributes: str
    tags: str


_AT_ONCE: Final = 50  # customers; some milliseconds of work
_TRIMMED_EVERY: Final = 64  # turns
_MINUTES_KEPT: Final = 5
_TIMES: Final = ("last_customer", "last_team", "last_marketing")
_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_IN_RANGE: Final = (
    CUSTOMER_ROWS.c.customer_id > sa.bindparam("after", type_=sa.Uuid()),
    CUSTOMER_ROWS.c.customer_id <= sa.bindparam("upto", type_=sa.Uuid()),
)


def _add_counts(statement: postgresql.Insert) -> postgresql.Insert:
    more = CUSTOMER_TERMS.c.customers + statement.excluded.customers
    return statement.on_conflict_do_update(index_elements=key_columns(CUSTOMER_TERMS), set_={"customers": more})


def _times() -> str:
    """Brings the times of the given customers up to date from their contacts; of those that have a row.

    Written so that every plan finds all rows by key: statistics may be those of a table that was still empty.
    """
    ids = array("customer_ids", sa.Uuid())
    given = sa.func.unnest(ids).table_valued("customer_id").render_derived(name="given")
    of_resolution = (
        MEMBERS.c.tenant == _TENANT,
        MEMBERS.c.resolution_id == sa.bindparam("resolution_id", type_=sa.Text()),
    )
    members = sa.select(MEMBERS.c.contact_id).where(
        *of_resolution, MEMBERS.c.customer_id == given.c.customer_id, MEMBERS.c.current
    )
    own = sa.func.array(members.correlate(given).scalar_subquery())
    contact_ids = sa.func.array_append(own, given.c.customer_id)
    latest_of = (
        sa.select(*(sa.func.max(CONTACTS.c[f"{name}_at"]).label(name) for name in _TIMES))
        .where(CONTACTS.c.tenant == _TENANT, CONTACTS.c.contact_id == sa.any_(contact_ids))
        .having(sa.func.count() > 0)
        .lateral("latest_of")
    )
    latest = (
        sa.select(given.c.customer_id, *latest_of.c).select_from(given.join(latest_of, sa.true())).subquery("latest")
    )
    before = sa.tuple_(*(CUSTOMER_ROWS.c[f"{name}_at"] for name in _TIMES))
    values: dict[str, sa.ColumnElement[int]] = {f"{name}_at": latest.c[name] for name in _TIMES}
    for name in _TIMES:
        values[f"{name}_hour"] = sa.cast(latest.c[name].op("/")(MS_OF_HOUR), sa.Integer())
    update = (
        sa.update(CUSTOMER_ROWS)
        .values(values)
        .where(
            CUSTOMER_ROWS.c.tenant == _TENANT,
            CUSTOMER_ROWS.c.customer_id == sa.any_(ids),
            CUSTOMER_ROWS.c.customer_id == latest.c.customer_id,
            before.is_distinct_from(sa.tuple_(*(latest.c[name] for name in _TIMES))),
        )
    )
    return compiled(update, "tenant", "resolution_id", "customer_ids")


_UPDATE_TIMES: Final = _times()
_WRITE: Final = upsert(CUSTOMER_ROWS, only_different=True)
_DELETE: Final = delete_matching(CUSTOMER_ROWS, CUSTOMER_ROWS.c.tenant, CUSTOMER_ROWS.c.customer_id)
_COUNT: Final = insert_with(CUSTOMER_TERMS, _add_counts)
_TERMS_OF: Final = compiled(
    sa.select(*(CUSTOMER_ROWS.c[name] for name in ("customer_id", "terms", "valid_days", "attributes", "tags"))).where(
        CUSTOMER_ROWS.c.tenant == _TENANT, CUSTOMER_ROWS.c.customer_id == sa.any_(array("customer_ids", sa.Uuid()))
    ),
    "tenant",
    "customer_ids",
)
_WITHIN: Final = compiled(
    sa.select(CUSTOMER_ROWS.c.customer_id).where(CUSTOMER_ROWS.c.tenant == _TENANT, *_IN_RANGE),
    "tenant",
    "after",
    "upto",
)
_FEWER: Final = unnested("given", [CUSTOMER_TERMS.c.term, sa.column("fewer", sa.BigInteger())])
_COUNT_LESS: Final = compiled(
    sa.update(CUSTOMER_TERMS)
    .values(customers=CUSTOMER_TERMS.c.customers - _FEWER.c.fewer)
    .where(CUSTOMER_TERMS.c.tenant == _TENANT, CUSTOMER_TERMS.c.term == _FEWER.c.term),
    "tenant",
    *_FEWER.c.keys(),
)
# A tag or a branch that nobody has any more may be of somebody who was erased.
_FORGET: Final = compiled(
    sa.delete(CUSTOMER_TERMS).where(
        CUSTOMER_TERMS.c.tenant == _TENANT,
        CUSTOMER_TERMS.c.term == sa.any_(array("terms", sa.BigInteger())),
        CUSTOMER_TERMS.c.customers == 0,
    ),
    "tenant",
    "terms",
)
_STATE: Final = compiled(sa.select(*row_columns(COMPOSED)).where(COMPOSED.c.tenant == _TENANT), "tenant")
_STATES: Final = compiled(sa.select(*row_columns(COMPOSED)))
_SAMPLE: Final = compiled(
    sa.select(*(CUSTOMER_ROWS.c[name] for name in ("customer_id", "terms", "valid_days", "attributes", "tags")))
    .where(CUSTOMER_ROWS.c.tenant == _TENANT)
    .order_by(CUSTOMER_ROWS.c.customer_id)
    .limit(sa.bindparam("limit", type_=sa.Integer())),
    *("tenant", "limit"),
)
_MADE: Final = (
    *(CUSTOMER_ROWS, CUSTOMER_CONTACTS, CUSTOMER_TERMS),
    *(ATTRIBUTE_VALUES, TAG_ENDS, ADDRESS_CONTACTS, COMPOSED_DAYS),
)
_FORGET_ALL: Final = [compiled(sa.delete(table).where(table.c.tenant == _TENANT), "tenant") for table in _MADE]
_AGAIN: Final = compiled(sa.update(COMPOSED).values(position=sa.literal(FIRST, sa.Uuid()), vector=sa.null()))
_NOTE: Final = compiled(
    sa.insert(COMPOSED_CHANGES).values(
        tenant=_TENANT,
        turn=sa.bindparam("turn", type_=sa.BigInteger()),
        changed=array("changed", sa.Uuid()),
        seen=array("seen", sa.Uuid()),
    ),
    *("tenant", "turn", "changed", "seen"),
)
_TRIM: Final = compiled(
    sa.delete(COMPOSED_CHANGES).where(
        COMPOSED_CHANGES.c.tenant == _TENANT,
        COMPOSED_CHANGES.c.noted_at < sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, _MINUTES_KEPT),
    ),
    "tenant",
)
_COMPOSER: Final = (sa.func.hashtext("onefold.composer"), sa.func.hashtext(sa.func.current_schema()))
_LOCK: Final = compiled(sa.select(sa.func.pg_try_advisory_lock(*_COMPOSER)))
_UNLOCK: Final = compiled(sa.select(sa.func.pg_advisory_unlock(*_COMPOSER)))


async def lock_composer(connection: Connection) -> bool:
    """Try to become the only composer of this schema, for as long as the connection lasts."""
    return bool(await connection.fetchval(_LOCK))


async def unlock_composer(connection: Connection) -> None:
    """Let another one become the composer."""
    await connection.execute(_UNLOCK)


async def is_composing(connection: Connection) -> bool:
    """Whether a connection is the composer of this schema."""
    if await lock_composer(connection):
        await unlock_composer(connection)
        return False
    return True


async def state_of(connection: Connection, tenant: str) -> ComposedRow | None:
    """How far a tenant's rows are made; None before the first pass."""
    row = await connection.fetchrow(_STATE, tenant)
    return ComposedRow(*row) if row else None


async def all_states(connection: Connection) -> dict[str, ComposedRow]:
    """How far the rows of each tenant are made, of those with a pass behind or under way."""
    return {row[0]: ComposedRow(*row) for row in await connection.fetch(_STATES)}


async def note_state(connection: Connection, state: ComposedRow) -> None:
    """Note how far a tenant's rows are made. The vector is of this snapshot, unless more is touched in it."""
    current = state.position is None and not await is_touched(connection, state.tenant)
    vector = orjson.dumps(await next_offsets(connection), option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    await save(connection, COMPOSED, [state._replace(vector=vector.decode() if current else None)])


async def note_composed(
    connection: Connection, tenant: str, turn: int, changed: Collection[UUID], seen: Collection[UUID]
) -> None:
    """Note which customers a turn wrote or deleted; what was noted minutes ago is forgotten now and then."""
    await connection.execute(_NOTE, tenant, turn, list(changed), list(seen))
    if turn % _TRIMMED_EVERY == 0:
        await connection.execute(_TRIM, tenant)


async def compose_again(connection: Connection) -> None:
    """Have the composer make all rows again; the former ones stay until then."""
    await connection.execute(_AGAIN)


async def compose_anew(connection: Connection, state: ComposedRow) -> None:
    """Forget a tenant's rows, and have the composer make them: where it can't go by those that are left."""
    for statement in _FORGET_ALL:
        await connection.execute(statement, state.tenant)
    await save(connection, COMPOSED, [state._replace(position=FIRST, vector=None)])


async def sample_of(connection: Connection, tenant: str, limit: int) -> list[SampledRow]:
    """The first of a tenant's rows, in the order of their ids."""
    return [SampledRow(*row) for row in await connection.fetch(_SAMPLE, tenant, limit)]


async def update_times(connection: Connection, resolution: ResolutionKey, customer_ids: Collection[UUID]) -> None:
    """Bring the times of these customers' rows up to date."""
    if customer_ids:
        await connection.execute(_UPDATE_TIMES, *resolution, list(customer_ids))


async def replace_rows(
    connection: Connection, tenant: str, customer_ids: Iterable[UUID], found: Mapping[UUID, CountedCustomer]
) -> None:
    """Write the rows of those of the ids that were ``found``, and delete those of the others."""
    ids = list(customer_ids)
    made = [one async for one in _made(tenant, found.values())]
    stored = await connection.fetch(_TERMS_OF, tenant, ids)
    before = {one: frozenset(terms) for one, terms, *_ in stored}
    if gone := [one for one in before if one not in found]:
        await connection.execute(_DELETE, *columns((tenant, one) for one in gone))
    await _write(connection, [one.row for one in made], before)
    await replace_contacts(connection, tenant, ids, [row for one in made for row in one.contacts])
    addresses = [row for one in made for row in one.addresses]
    former = await replace_addresses(connection, tenant, ids, addresses)
    days = composed_days(tenant, (one.row.valid_days for one in made), addresses)
    await change_days(connection, less(days, composed_days(tenant, (row["valid_days"] for row in stored), former)))
    values = value_counts(Facts(one.row.attributes, one.row.tags) for one in made)
    former_values = value_counts(Facts(row["attributes"], row["tags"]) for row in stored)
    await change_value_counts(connection, tenant, values.less(former_values))
    counts = _TermCounts(tenant)
    for row, terms, *_ in made:
        counts.change(before.get(row.customer_id, frozenset()), terms)
    for one in gone:
        counts.change(before[one], ())
    await insert(connection, _COUNT, counts.more)
    if counts.fewer:
        await connection.execute(_COUNT_LESS, tenant, *columns(counts.fewer))
        await connection.execute(_FORGET, tenant, [term for term, _ in counts.fewer])


async def _made(tenant: str, found: Iterable[CountedCustomer]) -> AsyncIterator[ComposedCustomer]:
    """The customers' rows; the event loop runs now and then."""
    for number, one in enumerate(found, 1):
        yield customer_row(tenant, one.customer.identity, one.customer.contacts, one.conflicts)
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)


async def _write(connection: Connection, rows: Iterable[CustomerSummaryRow], known: Container[UUID]) -> None:
    """New rows go by COPY straight into the table: nobody else writes it, so there is no conflict to look for."""
    new, others = list[CustomerSummaryRow](), list[CustomerSummaryRow]()
    for row in rows:
        (others if row.customer_id in known else new).append(row)
    if new:
        names = CustomerSummaryRow._fields
        await connection.copy_records_to_table(CUSTOMER_ROWS.name, records=new, columns=names)
    await insert(connection, _WRITE, others)


class _TermCounts:
    """How many more, and how many fewer, customers have each term."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._terms: dict[int, Term] = {}
        self._more: Counter[int] = Counter()
        self._fewer: Counter[int] = Counter()

    def change(self, before: AbstractSet[int], terms: Iterable[Term]) -> None:
        """One customer had terms of these ids, and has these terms now."""
        now = {term_id(self._tenant, term): term for term in terms}
        added = now.keys() - before
        self._terms |= {one: now[one] for one in added}
        self._more.update(added)
        self._fewer.update(before - now.keys())

    @property
    def more(self) -> list[CustomerTermRow]:
        """Rows with the numbers to add, in the order of their keys."""
        counted = sorted(self._more.items())
        return [CustomerTermRow(self._tenant, one, *self._terms[one], number) for one, number in counted]

    @property
    def fewer(self) -> list[tuple[int, int]]:
        """The ids of terms with the numbers to take away, sorted."""
        return sorted(self._fewer.items())


async def rows_within(connection: Connection, tenant: str, after: UUID, upto: UUID) -> list[UUID]:
    """The customers that have a row, of those after one id and up to another."""
    return [row[0] for row in await connection.fetch(_WITHIN, tenant, after, upto)]
