"""How much the composer of customer rows takes at a time, and how long it rests before it (pure).

Contacts come first. While they are behind the log, rows are made in few and large turns: what changes again and again
meanwhile is composed once. Rows that are late end this, so that they never wait for the end of a long backlog.
What is left of a backlog once contacts are current is taken in large turns, with short rests.
"""

from typing import Final, NamedTuple

_BEHIND: Final = 1.0  # seconds; a contact is visible much sooner
_BACKLOG: Final = 5.0  # seconds; more than the turn under way
_LATE: Final = 30.0  # seconds
_GIVES_WAY: Final = 20.0  # seconds; before the first large turn too, which may take some seconds of the processor
_CURRENT: Final = 2.0  # times that it worked, the composer rests while rows are current
_IN_BACKLOG: Final = 0.2  # of the time that it worked, the composer rests while rows alone are behind


class TurnSize(NamedTuple):
    """What a tenant's turn takes: ids that were touched, about, and contacts of a pass over all of them."""

    ids: int
    page: int


SMALL: Final = TurnSize(ids=500, page=300)
LARGE: Final = TurnSize(ids=20_000, page=4_000)


class ComposingPace(NamedTuple):
    """The size of a turn, and the rest before it: a multiple of the time worked before, at least so many seconds."""

    size: TurnSize
    rest: float = 1.0
    least: float = 0.0

    def rest_after(self, worked: float, least: float) -> float:
        """Seconds to rest after so many of work; ``least`` where that is less."""
        return max(worked * self.rest, self.least, least)


def pace_of(contacts_behind: float, rows_behind: float) -> ComposingPace:
    """The pace by how many seconds contacts are behind the log, and customer rows behind contacts."""
    if contacts_behind > _BEHIND:
        return ComposingPace(LARGE) if rows_behind > _LATE else ComposingPace(LARGE, rest=0, least=_GIVES_WAY)
    return ComposingPace(LARGE, _IN_BACKLOG) if rows_behind > _BACKLOG else ComposingPace(SMALL, _CURRENT)
