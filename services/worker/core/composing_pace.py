"""How much the composer of customer rows takes at a time, and how long it rests after it (pure).

Contacts come first. While they are behind the log, rows are made in fewer and larger turns: what changes again and
again meanwhile is composed once. Rows that are late end this, so that they never wait for the end of a long backlog.
What is left of a backlog once contacts are current is taken in large turns, with short rests.
"""

import math
from typing import Final, NamedTuple

_BEHIND: Final = 1.0  # seconds; a contact is visible much sooner
_BACKLOG: Final = 5.0  # seconds; more than the turn under way
_LATE: Final = 30.0  # seconds
_TIMES_AS_LONG: Final = 19  # as it worked, the composer rests while it gives way
_IN_BACKLOG: Final = 0.2  # of the time that it worked, the composer rests while rows alone are behind
_LEAST: Final = 1.0  # seconds
_MOST: Final = 20.0  # seconds


class TurnSize(NamedTuple):
    """What a tenant's turn takes: ids that were touched, about, and contacts of a pass over all of them."""

    ids: int
    page: int


SMALL: Final = TurnSize(ids=500, page=300)
LARGE: Final = TurnSize(ids=20_000, page=4_000)


class ComposingPace(NamedTuple):
    """The size of a turn, and the rest after it: a multiple of the time worked, within bounds in seconds."""

    size: TurnSize
    rest: float = 1.0
    least: float = 0.0
    most: float = math.inf

    def rest_after(self, worked: float, least: float) -> float:
        """Seconds to rest after so many of work; ``least`` where that is less."""
        return min(max(worked * self.rest, self.least, least), self.most)


def pace_of(contacts_behind: float, rows_behind: float) -> ComposingPace:
    """The pace by how many seconds contacts are behind the log, and customer rows behind contacts."""
    if contacts_behind > _BEHIND:
        late = rows_behind > _LATE
        return ComposingPace(LARGE) if late else ComposingPace(LARGE, _TIMES_AS_LONG, _LEAST, _MOST)
    return ComposingPace(LARGE, _IN_BACKLOG) if rows_behind > _BACKLOG else ComposingPace(SMALL)
