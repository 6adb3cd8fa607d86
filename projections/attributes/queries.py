"""Reading a contact's custom attributes: those that have a value."""

from uuid import UUID

import sqlalchemy as sa

from projections.attributes.tables import TABLE
from projections.engine.queries import nested


def set_attributes(contact_id: sa.ColumnElement[UUID]) -> sa.ScalarSelect[str]:
    """The contact's attributes that have a value."""
    return nested(TABLE, contact_id, TABLE.c.value.is_not(None))
