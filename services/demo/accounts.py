"""The demo's accounts: what was sent, what ingress answered, what was counted beside the offsets. Pure.

Every log record is committed, a duplicate or a dead letter. So what ingress accepted and what was broken on purpose
must be the sum of the three, and each number must be the expected one.
"""

from collections import Counter
from typing import NamedTuple, Self

from pydantic import BaseModel, Field, computed_field

from services.demo.deliveries import Deliveries


class LogCounts(NamedTuple):
    """How many log records were committed, were duplicates, and became dead letters."""

    committed: int = 0
    duplicates: int = 0
    dead_lettered: int = 0

    def since(self, before: Self) -> "LogCounts":
        """What came after ``before``."""
        return LogCounts(*(now - then for now, then in zip(self, before, strict=True)))


class SendCounts(BaseModel):
    """What was sent and how ingress answered, in events.

    ``resent`` are the events of requests sent again because no answer came; ``broken_written`` are records past it.
    """

    sent: int = 0
    rejected: int = 0
    refused_requests: int = 0
    resent: int = 0
    broken_written: int = 0
    accepted_by: Counter[str] = Field(default_factory=Counter)

    @computed_field  # type: ignore[prop-decorator]  # as pydantic's manual has it
    @property
    def accepted(self) -> int:
        """How many events ingress accepted."""
        return self.accepted_by.total()


def faults(planned: Deliveries, sent: SendCounts, counted: LogCounts, already_there: int) -> list[str]:
    """Return a sentence for every number that is wrong; none if the accounts balance.

    An earlier demo had committed ``already_there`` of the events. A request that was sent again may be in the log
    twice, so up to ``sent.resent`` further duplicates are right.
    """
    written = sent.accepted + sent.broken_written
    surplus = sum(counted) - written
    if not 0 <= surplus <= sent.resent:
        found = [f"{written:,} records were written to the log, and {sum(counted):,} were counted."]
        surplus = 0
    else:
        found = []
    numbers = {
        "events accepted by ingress": (planned.accepted, sent.accepted),
        "events rejected by ingress": (planned.rejected, sent.rejected),
        "requests refused by ingress": (planned.refused, sent.refused_requests),
        "events committed": (planned.distinct - already_there, counted.committed),
        "duplicates": (planned.duplicates + already_there + surplus, counted.duplicates),
        "dead letters": (len(planned.broken), counted.dead_lettered),
    }
    found += [
        f"{expected:,} {what} were expected, and {number:,} were counted."
        for what, (expected, number) in numbers.items()
        if expected != number
    ]
    return found
