"""Reading a contact's tags: those that were put on after the last removal."""

from typing import Final

from projections.engine.queries import nested
from projections.tags.tables import TABLE

# Which of them have expired by now is for the reader to say: a statement has no clock.
COUNTED: Final = nested(TABLE, "t.taggings > 0")
