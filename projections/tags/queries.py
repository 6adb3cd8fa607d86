"""Reading a contact's tags: those that were put on after the last removal."""

from uuid import UUID

import sqlalchemy as sa

from projections.engine.queries import nested
from projections.tags.tables import TABLE


def counted_tags(contact_id: sa.ColumnElement[UUID]) -> sa.ScalarSelect[str]:
    """The contact's tags, expired ones too: a statement has no clock, so the reader leaves them out."""
    return nested(TABLE, contact_id, TABLE.c.taggings > 0)
