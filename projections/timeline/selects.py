"""SQL about the several events of one message. `messages` says which of them counts, and has the same order."""

from typing import Any

import sqlalchemy as sa

from projections.timeline.messages import PLACEHOLDER
from projections.timeline.tables import TABLE


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
