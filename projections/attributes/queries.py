"""Reading a contact's custom attributes: those that have a value."""

from typing import Final

from projections.attributes.tables import TABLE
from projections.engine.queries import nested

HAVING_A_VALUE: Final = nested(TABLE, "t.value IS NOT NULL")
