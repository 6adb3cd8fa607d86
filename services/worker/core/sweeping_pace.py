"""How long the sweep of candidates rests after a page (pure)."""

from typing import Final

_BEHIND: Final = 1.0  # seconds; an event is folded much sooner
_TIMES: Final = 9.0  # as long as a page took: it works a tenth of the time
_TIMES_BEHIND: Final = 99.0  # while the agents are behind the log


def rest_after(worked: float, agents_behind: float) -> float:
    """Seconds to rest after so many of work. ``agents_behind`` is how many seconds of the log are to be folded."""
    return worked * (_TIMES_BEHIND if agents_behind > _BEHIND else _TIMES)
