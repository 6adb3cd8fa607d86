"""What of a contact's rows can be folded again by itself: all rows of a read model, or some columns of its one row.

A withdrawn event, or a late one, seldom concerns more than a few columns. Then only events of a few types have to be
read again, however long the contact's history is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from projections.engine.metadata import Row
from schemas.events import Event

Owes = Callable[[Row, Event], bool]


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """What follows from events of these types alone.

    ``blank`` has the part's columns with their values before any event; without it the part is all rows of a contact.
    The fold of columns must be idempotent: it may be given events again that other columns contain already.
    ``owes(row, event)`` says whether the row may be different without the event, which it contains.
    """

    types: frozenset[str]
    owes: Owes
    blank: Mapping[str, Any] | None = None


def always(_row: Row, _event: Event) -> bool:
    """Any event may show in the row."""
    return True


def latest_only(row: Any, event: Event) -> bool:
    """Only the event that the row names shows in it: it is the last writer."""
    return bool(row.event_id == event.event_id)
