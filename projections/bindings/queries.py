"""Reading a contact's bindings, live ones and undone ones."""

from typing import Final

from projections.bindings.tables import TABLE
from projections.engine.queries import nested

ALL: Final = nested(TABLE)
