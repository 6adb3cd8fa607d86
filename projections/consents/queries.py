"""Reading a contact's consents, given and refused."""

from uuid import UUID

import sqlalchemy as sa

from projections.consents.tables import TABLE
from projections.engine.queries import nested


def all_consents(contact_id: sa.ColumnElement[UUID]) -> sa.ScalarSelect[str]:
    """The contact's consents."""
    return nested(TABLE, contact_id)
