"""Reading a contact's bindings, live ones and undone ones."""

from uuid import UUID

import sqlalchemy as sa

from projections.bindings.tables import TABLE
from projections.engine.queries import nested


def all_bindings(contact_id: sa.ColumnElement[UUID]) -> sa.ScalarSelect[str]:
    """The contact's bindings."""
    return nested(TABLE, contact_id)
