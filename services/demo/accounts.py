"""The demo's accounts: what was sent, what ingress answered, what was counted beside the offsets. Pure.

Every log record is committed, a duplicate or a dead letter. So what ingress accepted and what was broken on purpose
must be the sum of the three, and each number must be the expected one.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from services.demo.deliveries import Deliveries


@dataclass(frozen=True, slots=True)
class LogCounts:
    """How many log records were committed, were duplicates, and became dead letters."""

    committed: int = 0
    duplicates: int = 0
    dead_letters: int = 0

    @property
    def records(self) -> int:
        """How many records that were."""
        return self.committed + self.duplicates + self.dead_letters

    def __sub__(self, before: Self) -> "LogCounts":
        return LogCounts(
            self.committed - before.committed,
            self.duplicates - before.duplicates,
            self.dead_letters - before.dead_letters,
        )


@dataclass(slots=True)
class SendCounts:
    """What was sent and how ingress answered, in events; ``refused`` counts requests.

    ``resent`` are the events of requests sent again because no answer came; ``broken`` are records written past it.
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
    """What the counts must come to."""

    accepted: int
    rejected: int
    refused: int
    counted: LogCounts

    @classmethod
    def of(cls, sent: Deliveries, already_there: int) -> Self:
        """From the deliveries, and how many of their events an earlier demo had committed."""
        counted = LogCounts(sent.distinct - already_there, sent.duplicates + already_there, len(sent.broken))
        return cls(sent.accepted, sent.rejected, len(sent.refused), counted)


def faults(expected: Expected, sent: SendCounts, counted: LogCounts) -> list[str]:
    """Return a sentence for every number that is wrong; none if the accounts balance.

    A request that was sent again may be in the log twice, so up to ``sent.resent`` further duplicates are right.
    """
    written = sent.accepted + sent.broken
    surplus = counted.records - written
    found = [
        _difference("events accepted by ingress", expected.accepted, sent.accepted),
        _difference("events rejected by ingress", expected.rejected, sent.rejected),
        _difference("requests refused by ingress", expected.refused, sent.refused),
        _difference("events committed", expected.counted.committed, counted.committed),
        _difference("dead letters", expected.counted.dead_letters, counted.dead_letters),
    ]
    if not 0 <= surplus <= sent.resent:
        found.append(f"{written:,} records were written to the log, and {counted.records:,} were counted.")
    else:
        found.append(_difference("duplicates", expected.counted.duplicates + surplus, counted.duplicates))
    return [sentence for sentence in found if sentence]


def _difference(what: str, expected: int, found: int) -> str:
    return "" if expected == found else f"{expected:,} {what} were expected, and {found:,} were counted."
