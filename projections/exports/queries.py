"""The rows of an export, in the order of customers and contacts, as they are in one snapshot."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from projections.customers.search.conditions import StatementParameters
from projections.customers.search.costs import cost_of, terms_in
from projections.customers.search.queries import Search, condition_of, counts_of
from projections.customers.search.time_limit import LONGEST_COUNT
from projections.customers.tables import CUSTOMER_CONTACTS
from projections.customers.terms import CHANNEL, EVERYBODY, Term
from projections.engine.connection import Connection
from projections.engine.statements import compiled
from projections.exports.columns import CHANNELS, ColumnExpressions, ExportedValues
from projections.exports.order import ExportOrder

BATCH: Final = 2_000  # rows
PIECE: Final = 1 << 20  # bytes
_WITHIN: Final = 600.0  # seconds, for a batch or a piece: before the first one, a filter may look at every customer
_AGAIN_AFTER: Final = 0.5  # seconds
_GOOD_PART: Final = 4  # of so many customers, one
_LONGEST: Final = 86_400.0  # seconds, for all
# An export reads many rows once, so it may scan tables; and it is planned for its own filter. One statement gives all
# rows, at the speed at which they are taken.
_SETTINGS: Final = {
    "enable_seqscan": "on",
    "enable_hashjoin": "on",
    "enable_mergejoin": "on",
    "plan_cache_mode": "force_custom_plan",
    "statement_timeout": str(int(_LONGEST * 1000)),
}
_SET: Final = compiled(sa.select(*(sa.func.set_config(name, value, sa.true()) for name, value in _SETTINGS.items())))


class StatementShape(NamedTuple):
    """Whether a good part of all customers may be found, and the channels on which none has a contact."""

    finds_many: bool
    absent: frozenset[str] = frozenset()


class ExportStatement:
    """The statement that gives the cells of an export's rows: those of a search, and columns for ``attributes``."""

    def __init__(self, search: Search, order: ExportOrder, attributes: Sequence[str]) -> None:
        self._search = search
        self._order = order
        self._attributes = attributes

    async def count(self, connection: Connection) -> int:
        """How many rows there are."""
        parameters = StatementParameters()
        columns = ColumnExpressions(self._order.model_copy(update={"columns": []}), self._search, parameters)
        rows = self._rows(columns.values(()), parameters, [sa.literal(1).label("one")])
        counted = sa.select(sa.func.count()).select_from(rows.subquery())
        text = compiled(counted, *parameters.values)
        return int(await connection.fetchval(text, *parameters.values.values(), timeout=2 * LONGEST_COUNT))

    async def csv(self, connection: Connection) -> AsyncGenerator[bytes]:
        """The rows as CSV without a header, some at a time. Call it in a transaction of its own.

        PostgreSQL writes it: in UTF-8 with commas, quotes where they are needed, and lines that end by LF. Memory holds
        a few pieces.
        """
        await connection.execute(_SET)
        text, values = self._cells(await self._shape(connection), as_json=False)
        pieces: asyncio.Queue[bytes] = asyncio.Queue(1)
        copying = asyncio.create_task(_copy(connection, text, values, pieces))
        try:
            while piece := await asyncio.wait_for(pieces.get(), _WITHIN):
                yield piece
            await copying
        finally:
            while not copying.done():  # asyncpg may lose a cancellation that comes just when a piece was taken
                copying.cancel()
                await asyncio.wait({copying}, timeout=_AGAIN_AFTER)

    async def batches(self, connection: Connection) -> AsyncGenerator[list[Any]]:
        """The rows as records, at most `BATCH` at a time, with attributes as JSON. Call it in a transaction of its own.

        The next batch is read while one is used; memory holds these two.
        """
        await connection.execute(_SET)
        text, values = self._cells(await self._shape(connection), as_json=True)
        cursor = await connection.cursor(text, *values)
        following = asyncio.ensure_future(cursor.fetch(BATCH, timeout=_WITHIN))
        try:
            while records := await following:
                following = asyncio.ensure_future(cursor.fetch(BATCH, timeout=_WITHIN))
                yield records
        finally:
            following.cancel()
            await asyncio.wait({following})

    async def _shape(self, connection: Connection) -> "StatementShape":
        """How the statement reads contacts, by the counts of terms, which are of the same snapshot as the rows."""
        node, tenant = self._search.filter, self._search.tenant
        channels = {channel: Term(CHANNEL, channel) for channel in CHANNELS}
        counts = await counts_of(connection, tenant, {*terms_in(node), *channels.values()})
        everybody = counts.get(EVERYBODY, 0)
        absent = {channel for channel, term in channels.items() if everybody and not counts.get(term)}
        return StatementShape(cost_of(node, counts).customers * _GOOD_PART >= everybody, frozenset(absent))

    def _cells(self, shape: "StatementShape", *, as_json: bool) -> tuple[str, list[Any]]:
        """The statement of the rows' cells, and its values. With ``as_json``, attributes are their JSON values."""
        parameters = StatementParameters()
        columns = ColumnExpressions(
            self._order, self._search, parameters, grouped=shape.finds_many, absent=shape.absent
        )
        values = columns.values(self._attributes)
        named = [values.columns[name].label(f"column_{number}") for number, name in enumerate(self._order.columns)]
        settings = [value.label(f"attribute_{number}") for number, value in enumerate(values.attributes)]
        order = [value.label(f"order_{number}") for number, value in enumerate(values.order)]
        # With an OFFSET, PostgreSQL computes each value once, and not wherever a cell names it.
        inner = self._rows(values, parameters, [*named, *settings, *order]).order_by(*order).offset(sa.literal(0))
        rows = inner.subquery("rows")
        shown = columns.cells(
            [rows.c[one.name] for one in named], [rows.c[one.name] for one in settings], as_json=as_json
        )
        chosen = sa.select(*shown).order_by(*(rows.c[one.name] for one in order))
        return compiled(chosen, *parameters.values), list(parameters.values.values())

    def _rows(
        self, values: ExportedValues, parameters: StatementParameters, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.Select[Any]:
        conditions = [condition_of(self._search, parameters)]
        if self._order.channels is not None:
            channels = parameters(list(self._order.channels), sa.ARRAY(sa.Text()))
            conditions.append(CUSTOMER_CONTACTS.c.channel == sa.any_(channels))
        return sa.select(*columns).select_from(values.source).where(*conditions)


async def _copy(connection: Connection, text: str, values: Sequence[Any], pieces: asyncio.Queue[bytes]) -> None:
    """Put what COPY gives into the queue, and in the end an empty piece, also when it fails."""
    gathered = bytearray()

    async def take(some: bytes) -> None:
        gathered.extend(some)
        if len(gathered) >= PIECE:
            await pieces.put(bytes(gathered))
            gathered.clear()

    try:
        await connection.copy_from_query(text, *values, output=take, format="csv", encoding="utf8", timeout=_LONGEST)
        if gathered:
            await pieces.put(bytes(gathered))
    except Exception:
        await pieces.put(b"")
        raise
    await pieces.put(b"")
