"""SQL about the several events of one message. `messages` says which of them counts, and has the same order."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from projections.engine.statements import array
from projections.timeline.messages import PLACEHOLDER, SENT
from projections.timeline.tables import TABLE

ADDRESSES: Final = ("address_contacts", "address_others")  # the parameters of `others_of`
_MOST_OF_ADDRESS: Final = 50  # contacts that may tell of one another's messages
Addresses = Sequence[Sequence[UUID]]  # the contacts of each address that has several


def rank(event: sa.FromClause) -> tuple[sa.ColumnElement[Any], ...]:
    """What decides between the events of one message: the least counts."""
    data = event.c.data
    is_echo = sa.func.coalesce(data["echo"].astext == "true", sa.false())
    kind = sa.func.coalesce(data["kind"].astext, data["payload"]["type"].astext)
    return (is_echo, sa.func.coalesce(kind == PLACEHOLDER, sa.false()), event.c.occurred_at, event.c.event_id)


def same_message(other: sa.FromClause, event: sa.FromClause, *types: str) -> sa.ColumnElement[bool]:
    """Whether another event is of the same message as one of these types, and of the same type."""
    return sa.and_(
        event.c.type.in_(types),
        other.c.type.in_(types),  # constants, so that the index of messages is found
        other.c.type == event.c.type,
        other.c.tenant == event.c.tenant,
        other.c.contact_id == event.c.contact_id,
        other.c.data["message_id"].astext == event.c.data["message_id"].astext,
    )


def counts(event: sa.FromClause, *types: str) -> sa.ColumnElement[bool]:
    """Whether no other event says more of the event's message, if it is of one of these types."""
    better = TABLE.alias("better")
    found = (
        sa.select(sa.literal(1))
        .select_from(better)
        .where(same_message(better, event, *types), sa.tuple_(*rank(better)) < sa.tuple_(*rank(event)))
    )
    return sa.or_(event.c.type.not_in(types), ~found.correlate(event).exists())


def pairs_of(addresses: Addresses) -> tuple[list[UUID], list[UUID]]:
    """The parameters `ADDRESSES`."""
    pairs = [pair for contacts in addresses for pair in permutations(contacts[:_MOST_OF_ADDRESS], 2)]
    return [one for one, _ in pairs], [other for _, other in pairs]


def others_of(contact_id: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """An array of the other contacts of a contact's address: the parameters `ADDRESSES` have each pair of them."""
    pairs = (
        sa.func.unnest(*(array(name, sa.Uuid()) for name in ADDRESSES))
        .table_valued(sa.column("contact_id", sa.Uuid()), sa.column("other_id", sa.Uuid()))
        .render_derived(name="pairs")
    )
    others = sa.select(pairs.c.other_id).where(pairs.c.contact_id == contact_id).correlate_except(pairs)
    return sa.func.array(others.scalar_subquery())


def is_echo_of_another(event: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether it echoes a message of which another contact of its address has an event that says more."""
    better = TABLE.alias("better_elsewhere")
    found = sa.select(sa.literal(1)).where(
        better.c.tenant == event.c.tenant,
        better.c.type == SENT,
        better.c.data["message_id"].astext == event.c.data["message_id"].astext,
        better.c.contact_id == sa.any_(others_of(event.c.contact_id)),
        sa.tuple_(*rank(better), better.c.contact_id) < sa.tuple_(*rank(event), event.c.contact_id),
    )
    echoed = sa.func.coalesce(event.c.data["echo"].astext == "true", sa.false())
    return sa.and_(event.c.type == SENT, echoed, found.correlate(event).exists())
