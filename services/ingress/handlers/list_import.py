"""Appends a list's events while it arrives; only a slice of it is in memory at any time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from services.ingress.core.events import Accepted, Rejected
from services.ingress.core.lines import Line, Lines
from services.ingress.handlers.counting import count
from services.ingress.handlers.record_members import Slices
from services.ingress.handlers.turns import Turns
from services.ingress.ports import Log

MOST_REFUSED: Final = 100
LONGEST_LINE: Final = 262_144

# The event of an entry with its line's number, or why there is none; None for a line that is not to become one.
Validate = Callable[[Any, int], Accepted | Rejected | None]


@dataclass(slots=True)
class Refusals:
    """The refused lines: the first of them, and their number."""

    first: list[Rejected] = field(default_factory=list)
    count: int = 0

    def add(self, outcome: Rejected) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < MOST_REFUSED:
            self.first.append(outcome)


class ListImport:
    """The import of one list; ``door`` is its name in metrics, ``quoted`` is for CSV.

    Taking more of the list raises LogUnavailable, and what ``read`` and ``validate`` raise.
    """

    def __init__(
        self, door: str, read: Callable[[Line], Iterator[Any]], validate: Validate, log: Log, *, quoted: bool
    ) -> None:
        self.refusals = Refusals()
        self._door = door
        self._read = read
        self._validate = validate
        self._lines = Lines(LONGEST_LINE, quoted=quoted)
        self._slices = Slices(log, door)
        self._turns = Turns()

    @property
    def accepted(self) -> int:
        """The number of events in the log."""
        return self._slices.acknowledged

    async def take(self, piece: bytes) -> None:
        """Take more of the body."""
        await self._take(self._lines.feed(piece))
        await self._turns.spend(len(piece))

    async def finish(self) -> bool:
        """The body has ended; whether any line was to become an event."""
        await self._take(self._lines.finish())
        await self._slices.flush()
        return self.accepted + self.refusals.count > 0

    async def _take(self, lines: Iterable[Line]) -> None:
        for line in lines:
            for entry in self._read(line):
                await self._entry(entry, line.number)
            await self._turns.spend(LONGEST_LINE if line.raw is None else len(line.raw))

    async def _entry(self, entry: Any, number: int) -> None:
        outcome = self._validate(entry, number)
        if isinstance(outcome, Rejected):
            count(self._door, [], [outcome.reason])
            self.refusals.add(outcome)
        elif outcome is not None:
            await self._slices.add([outcome])
