"""The accounts of a demo: what was sent, what the read models counted, what the generator knew beforehand. Pure.

Every record of the log is committed, a duplicate, or a dead letter; so what the door accepted and what was broken
on purpose must come to the sum of the three, and to what was expected, to the event.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from services.demo.generate import Deliveries


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the log's records, by the counters kept with the offsets."""

    committed: int = 0
    duplicates: int = 0
    dead_letters: int = 0

    @property
    def records(self) -> int:
        """How many records that were."""
        return self.committed + self.duplicates + self.dead_letters

    def __sub__(self, before: Self) -> "Tally":
        return Tally(
            self.committed - before.committed,
            self.duplicates - before.duplicates,
            self.dead_letters - before.dead_letters,
        )


@dataclass(slots=True)
class Door:
    """What ingress said. ``resent`` are the events of requests that were sent again because no answer came.

    ``accepted_by`` says which way the accepted events came in.
    """

    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    refused: int = 0
    resent: int = 0
    broken: int = 0
    accepted_by: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a demo must come to, given how many of its events were there before it began."""

    accepted: int
    rejected: int
    refused: int
    counted: Tally

    @classmethod
    def of(cls, sent: Deliveries, already: int) -> Self:
        """From what the generator knows."""
        counted = Tally(sent.distinct - already, sent.duplicates + already, len(sent.broken))
        return cls(sent.accepted, sent.rejected, len(sent.refused), counted)


def faults(expected: Expected, door: Door, counted: Tally) -> list[str]:
    """Every account that does not balance, as a sentence; none if all do.

    A request that was sent again may have been in the log already, so up to ``door.resent`` duplicates more are right.
    """
    surplus = counted.records - door.accepted - door.broken
    said = [
        _unequal("events accepted at the door", expected.accepted, door.accepted),
        _unequal("events rejected at the door", expected.rejected, door.rejected),
        _unequal("requests refused at the door", expected.refused, door.refused),
        _unequal("events committed", expected.counted.committed, counted.committed),
        _unequal("dead letters", expected.counted.dead_letters, counted.dead_letters),
    ]
    if not 0 <= surplus <= door.resent:
        taken = door.accepted + door.broken
        said.append(f"{taken:,} records went into the log, and {counted.records:,} are accounted for.")
    elif counted.duplicates != expected.counted.duplicates + surplus:
        said.append(_unequal("duplicates absorbed", expected.counted.duplicates + surplus, counted.duplicates))
    return [sentence for sentence in said if sentence]


def _unequal(what: str, expected: int, found: int) -> str:
    return "" if expected == found else f"{expected:,} {what} were expected, and {found:,} were counted."
