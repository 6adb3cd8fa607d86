"""Reading a contact's recurring notifications, on every topic it ever heard of."""

from typing import Final

from projections.engine.queries import nested
from projections.notifications.tables import TABLE

ALL: Final = nested(TABLE)
