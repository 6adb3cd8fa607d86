"""Reading a contact's consents, given and refused."""

from typing import Final

from projections.consents.tables import TABLE
from projections.engine.queries import nested

ALL: Final = nested(TABLE)
