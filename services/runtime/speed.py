"""How fast work goes, and how long the rest of it takes."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

_WINDOW: Final = 15.0  # seconds over which the rate is taken


@dataclass(slots=True)
class Speed:
    """The rate of the last seconds, from positions that were noted with the seconds of a clock."""

    window: float = _WINDOW
    _noted: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, at: float, done: int) -> None:
        """Note that so many records were done at this time."""
        self._noted.append((at, done))
        while self._noted[-1][0] - self._noted[0][0] > self.window:
            self._noted.popleft()

    @property
    def seconds(self) -> float:
        """Over how many seconds the rate is taken."""
        return self._noted[-1][0] - self._noted[0][0]

    @property
    def rate(self) -> float:
        """Records a second; 0 while too little is known."""
        (began, first), (ended, last) = self._noted[0], self._noted[-1]
        return (last - first) / (ended - began) if ended > began else 0.0

    def seconds_left(self, left: int) -> float | None:
        """How many seconds ``left`` more records will take; None while nothing moves."""
        return left / self.rate if self.rate > 0 else None
