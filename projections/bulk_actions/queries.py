"""Counts what a bulk action would do, and fixes whom it affects. Each statement sees one moment."""

from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from projections.bulk_actions.deciding import Before
from projections.bulk_actions.order import BulkOrder, same_contact_parts
from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.search.conditions import Conditions, StatementParameters
from projections.customers.search.queries import Search, condition_of
from projections.customers.search.time_limit import LONGEST_COUNT
from projections.customers.tables import CUSTOMER_CONTACTS, CUSTOMER_ROWS
from projections.engine.connection import Connection
from projections.engine.statements import compiled
from projections.migrations.tables import BULK_ITEMS

_ROW: Final = CUSTOMER_ROWS.c
_MINE: Final = CUSTOMER_CONTACTS.c


class ChannelCount(NamedTuple):
    """How many contacts on a channel are meant, and how many of them change."""

    channel: str
    contacts: int
    changed: int


class BulkCounts(NamedTuple):
    """How many customers a filter finds; of how many a contact changes, or none does; and who has none that is meant.

    The last three add up to the first.
    """

    customers: int
    changed: int
    unchanged: int
    skipped: int
    channels: list[ChannelCount]


async def count(connection: Connection, search: Search, order: BulkOrder) -> BulkCounts:
    """What the order would do now. One statement."""
    parameters = StatementParameters()
    targets = _targets(search, order, parameters).cte("targets")
    before = Before(search.tenant, order, search.asked.now, parameters).of(targets)
    decided = sa.select(targets, before.is_not(None).label("changes")).cte("decided").prefix_with("MATERIALIZED")
    one = decided.c
    customers = (
        sa.select(
            one.customer_id,
            sa.func.count(one.contact_id).label("meant"),
            sa.func.coalesce(sa.func.bool_or(sa.and_(one.contact_id.is_not(None), one.changes)), sa.false()).label(
                "changes"
            ),
        )
        .group_by(one.customer_id)
        .subquery("counted")
    )
    each = customers.c
    number = sa.func.count()
    totals = sa.select(
        sa.null().label("channel"),
        number.label("customers"),
        number.filter(each.changes).label("changed"),
        number.filter(each.meant == 0).label("skipped"),
    ).select_from(customers)
    by_channel = (
        sa.select(one.channel, number, number.filter(one.changes), sa.literal_column("0"))
        .where(one.contact_id.is_not(None))
        .group_by(one.channel)
    )
    statement = compiled(sa.union_all(totals, by_channel), *parameters.values)
    rows = await connection.fetch(statement, *parameters.values.values(), timeout=2 * LONGEST_COUNT)
    (found, changed, skipped) = next(tuple(row)[1:] for row in rows if row["channel"] is None)
    channels = sorted(ChannelCount(*tuple(row)[:3]) for row in rows if row["channel"] is not None)
    return BulkCounts(found, changed, found - changed - skipped, skipped, channels)


async def fix_items(connection: Connection, job_id: UUID, search: Search, order: BulkOrder) -> None:
    """Store the customers that the search finds now as the job's items, numbered from 1. One statement."""
    parameters = StatementParameters()
    targets = _targets(search, order, parameters).cte("targets")
    one = targets.c
    contacts = sa.func.array_agg(aggregate_order_by(one.contact_id, one.contact_id)).filter(one.contact_id.is_not(None))
    found = sa.select(
        parameters(job_id, sa.Uuid()),
        sa.func.row_number().over(order_by=one.customer_id),
        one.customer_id,
        sa.func.coalesce(contacts, sa.cast(sa.literal_column("'{}'"), sa.ARRAY(sa.Uuid()))),
    ).group_by(one.customer_id)
    names = ["job_id", "number", "customer_id", "contact_ids"]
    statement = compiled(sa.insert(BULK_ITEMS).from_select(names, found), *parameters.values)
    await connection.execute(statement, *parameters.values.values())


def _targets(search: Search, order: BulkOrder, parameters: StatementParameters) -> sa.Select[Any]:
    """The customers that are found, with each contact that is meant; one without has a row with a null contact."""
    meant = _meant(search, order, parameters).lateral("meant")
    return (
        sa.select(_ROW.customer_id, meant.c.contact_id, meant.c.channel)
        .select_from(CUSTOMER_ROWS.outerjoin(meant, sa.true()))
        .where(condition_of(search, parameters))
    )


def _meant(search: Search, order: BulkOrder, parameters: StatementParameters) -> sa.Select[Any]:
    """The contacts of a customer's row that are meant."""
    own = sa.and_(CONTACTS.c.tenant == _MINE.tenant, CONTACTS.c.contact_id == _MINE.contact_id)
    meant = (
        sa.select(_MINE.contact_id, _MINE.channel)
        .select_from(CUSTOMER_CONTACTS.join(CONTACTS, own))
        .where(_MINE.tenant == _ROW.tenant, _MINE.customer_id == _ROW.customer_id)
        .correlate(CUSTOMER_ROWS)
    )
    if (channels := order.meant_channels) is not None:
        meant = meant.where(_MINE.channel == sa.any_(parameters(channels, sa.ARRAY(sa.Text()))))
    if order.chosen == "matching":
        conditions = Conditions(search.tenant, search.asked, parameters)
        meant = meant.where(*map(conditions.of_contact, same_contact_parts(search.filter)))
    if order.chosen == "latest":
        meant = meant.order_by(CONTACTS.c.last_customer_at.desc().nulls_last(), _MINE.contact_id).limit(1)
    return meant
