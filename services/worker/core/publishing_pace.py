"""How long a job that sends events rests, so that the live stream does not wait behind what it sends (pure)."""

from typing import Final

_BEHIND: Final = 1.0  # seconds that contacts may be behind the log
_MOST: Final = 5.0  # seconds


def rest_after(worked: float, contacts_behind: float) -> float:
    """Seconds to rest after so many of work: as long again, and as long as contacts are behind."""
    late = contacts_behind if contacts_behind > _BEHIND else 0.0
    return min(max(worked, late), _MOST)
