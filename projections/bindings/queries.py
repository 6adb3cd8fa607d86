"""Reading a contact's bindings, live ones and undone ones."""

from typing import Final
from uuid import UUID

import sqlalchemy as sa

from projections.bindings.tables import PUBLIC_WAYS, TABLE
from projections.engine.queries import among_latest, nested

MOST_PUBLIC: Final = 100


def shown_bindings(contact_id: sa.ColumnElement[UUID]) -> sa.ScalarSelect[str]:
    """The contact's bindings; of those that come in the ways in which the public sends them, the latest."""
    latest = among_latest(TABLE, contact_id, MOST_PUBLIC, _is_public)
    return nested(TABLE, contact_id, sa.or_(sa.not_(_is_public(TABLE)), latest))


def _is_public(rows: sa.FromClause) -> sa.ColumnElement[bool]:
    return rows.c.via.in_(PUBLIC_WAYS)
