"""Reading a contact's custom attributes: those that have a value, of those that are only claimed the latest."""

from uuid import UUID

import sqlalchemy as sa

from projections.attributes.tables import MOST_CLAIMED, TABLE
from projections.engine.queries import among_latest, nested


def set_attributes(contact_id: sa.ColumnElement[UUID]) -> sa.ScalarSelect[str]:
    """The contact's attributes that have a value, of those that are only claimed the `MOST_CLAIMED` latest."""
    latest = among_latest(TABLE, contact_id, MOST_CLAIMED, _is_set_by_claim)
    return nested(TABLE, contact_id, TABLE.c.value.is_not(None), sa.or_(sa.not_(TABLE.c.claimed), latest))


def _is_set_by_claim(rows: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(rows.c.claimed, rows.c.value.is_not(None))
