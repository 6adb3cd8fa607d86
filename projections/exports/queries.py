"""The rows of an export, in the order of customers and contacts, as they are in one snapshot."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Any, Final

import asyncpg
import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.search.conditions import StatementParameters
from projections.customers.search.queries import Search, condition_of
from projections.customers.tables import CUSTOMER_CONTACTS, CUSTOMER_ROWS
from projections.engine.connection import Connection
from projections.engine.statements import compiled
from projections.exports.columns import ExportedContact, ExportedRow, attributes_of_customer, tags_of_customer
from projections.exports.order import Detail
from projections.tags.tables import TABLE as TAGS

BATCH: Final = 2_000  # rows
_WITHIN: Final = 600.0  # seconds, for a batch: before the first one, a filter may look at every customer
_IDENTITY: Final = ("customer_id", "member_id", "phone", "email", "valid_since")
_TIMES: Final = ("first_seen_at", "last_customer_at", "last_team_at", "last_marketing_at")
_OF_CONTACT: Final = (
    "contact", "subscribed", "subscribed_at", "valid", "staff", "branch", "opted_out", "counted_at", "counted_as",
)  # fmt: skip
_ROW: Final = CUSTOMER_ROWS.c
_MINE: Final = CUSTOMER_CONTACTS.c
_OF_CUSTOMER: Final = sa.and_(_MINE.tenant == _ROW.tenant, _MINE.customer_id == _ROW.customer_id)
_CONTACT: Final = sa.func.json_build_array(*(_MINE[name] for name in _OF_CONTACT))
# An export reads many rows once, so it may scan tables; and it is planned for its own filter.
_SETTINGS: Final = {
    "enable_seqscan": "on",
    "enable_hashjoin": "on",
    "enable_mergejoin": "on",
    "plan_cache_mode": "force_custom_plan",
    "statement_timeout": str(int(_WITHIN * 1000)),
}
_SET: Final = compiled(sa.select(*(sa.func.set_config(name, value, sa.true()) for name, value in _SETTINGS.items())))


class ExportStatement:
    """The statement that gives the rows of a search.

    They are one a customer; or with ``contacts`` one a contact, on some channels, None for all. ``details`` are what
    the rows have besides.
    """

    def __init__(
        self,
        search: Search,
        details: Collection[Detail],
        *,
        contacts: bool = False,
        channels: Sequence[str] | None = None,
    ) -> None:
        self._now = search.asked.now
        self._make = _row_of_contact if contacts else self._row_of_customer
        parameters = StatementParameters()
        conditions = [condition_of(search, parameters)]
        if channels is not None:
            conditions.append(_MINE.channel == sa.any_(parameters(list(channels), sa.ARRAY(sa.Text()))))
        rows = _rows_of_contacts(details, self._now) if contacts else _rows_of_customers(details)
        rows = rows.where(*conditions)
        one = sa.literal(1).label("one")
        counted = sa.select(sa.func.count()).select_from(rows.with_only_columns(one).order_by(None).subquery())
        self.text = compiled(rows, *parameters.values)
        self.values = tuple(parameters.values.values())
        self._counting = compiled(counted, *parameters.values)

    async def count(self, connection: Connection) -> int:
        """How many rows there are."""
        return int(await connection.fetchval(self._counting, *self.values))

    async def batches(self, connection: Connection) -> AsyncGenerator[list[ExportedRow]]:
        """The rows, at most `BATCH` at a time. Call it in a transaction of its own.

        The next batch is read while one is used; memory holds these two.
        """
        await connection.execute(_SET)
        cursor = await connection.cursor(self.text, *self.values)
        following = asyncio.ensure_future(cursor.fetch(BATCH, timeout=_WITHIN))
        try:
            while records := await following:
                following = asyncio.ensure_future(cursor.fetch(BATCH, timeout=_WITHIN))
                yield [self._make(record) for record in records]
        finally:
            following.cancel()
            await asyncio.wait({following})

    def _row_of_customer(self, record: asyncpg.Record) -> ExportedRow:
        *own, tags, attributes, contacts = record
        details = (tags_of_customer(tags, self._now), attributes_of_customer(attributes))
        return ExportedRow._make((*own, *details, [ExportedContact(*one) for one in orjson.loads(contacts)]))


def _row_of_contact(record: asyncpg.Record) -> ExportedRow:
    *own, tags, attributes, contact = record
    details = (tags or (), orjson.loads(attributes) if attributes else {})
    return ExportedRow._make((*own, *details, [ExportedContact(*orjson.loads(contact))]))


def _rows_of_customers(details: Collection[Detail]) -> sa.Select[Any]:
    stored = [
        sa.cast(_ROW[name], sa.Text).label(name) if name in details else sa.literal_column("'{}'").label(name)
        for name in ("tags", "attributes")
    ]
    contacts = (
        sa.select(sa.cast(sa.func.json_agg(aggregate_order_by(_CONTACT, _MINE.contact_id)), sa.Text))
        .where(_OF_CUSTOMER)
        .correlate(CUSTOMER_ROWS)
        .scalar_subquery()
    )
    return sa.select(
        *(_ROW[name] for name in (*_IDENTITY, "name", *_TIMES)), *stored, contacts.label("contacts")
    ).order_by(_ROW.tenant, _ROW.customer_id)


def _rows_of_contacts(details: Collection[Detail], now: int) -> sa.Select[Any]:
    """What identifies the person is the customer's; everything else is the contact's own."""
    own = sa.and_(CONTACTS.c.tenant == _MINE.tenant, CONTACTS.c.contact_id == _MINE.contact_id)
    found = {"tags": _tags(now), "attributes": _attributes()}
    shown = [found[name] if name in details else sa.null() for name in ("tags", "attributes")]
    return (
        sa.select(
            *(_ROW[name] for name in _IDENTITY),
            CONTACTS.c.display_name,
            *(CONTACTS.c[name] for name in _TIMES),
            *(value.label(name) for name, value in zip(("tags", "attributes"), shown, strict=True)),
            sa.cast(_CONTACT, sa.Text).label("contact"),
        )
        .select_from(CUSTOMER_ROWS.join(CUSTOMER_CONTACTS, _OF_CUSTOMER).join(CONTACTS, own))
        .order_by(_ROW.tenant, _ROW.customer_id, _MINE.contact_id)
    )


def _tags(now: int) -> sa.ColumnElement[Any]:
    """The tags that are on the contact, sorted; null for none."""
    tag = TAGS.c
    on_it = (tag.taggings > 0, tag.last_at.is_not(None), sa.or_(tag.expires_at.is_(None), tag.expires_at > now))
    mine = (tag.tenant == _MINE.tenant, tag.contact_id == _MINE.contact_id)
    listed = sa.func.array_agg(aggregate_order_by(tag.tag, tag.tag))
    return sa.select(listed).where(*mine, *on_it).correlate(CUSTOMER_CONTACTS).scalar_subquery()


def _attributes() -> sa.ColumnElement[Any]:
    """The contact's attributes that have a value, as JSON by key; null for none."""
    one = ATTRIBUTES.c
    mine = (one.tenant == _MINE.tenant, one.contact_id == _MINE.contact_id)
    values = sa.cast(sa.func.json_object_agg(one.key, one.value), sa.Text)
    set_ones = (one.value.is_not(None), one.type.is_not(None))
    return sa.select(values).where(*mine, *set_ones).correlate(CUSTOMER_CONTACTS).scalar_subquery()
