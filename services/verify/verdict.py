"""The result of a verification."""

from dataclasses import dataclass
from typing import Any

from services.verify.comparing import TableComparison
from services.verify.log_reader import TopicEvents
from services.verify.snapshot import CountedRecords


@dataclass(frozen=True, slots=True)
class TopicAccount:
    """A topic's records as the topic has them, and as the counters in the table of offsets have them.

    ``erased`` records can't be read any more. Each may have been counted as an event or as a dead letter.
    """

    records: int
    dead_letters: int
    counted: CountedRecords
    erased: int = 0

    @property
    def balanced(self) -> bool:
        """Whether every record was counted once."""
        perhaps_dead = self.counted.dead_letters - self.dead_letters
        return self.records == self.counted.records and 0 <= perhaps_dead <= self.erased

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"records": self.records, "dead_letters": self.dead_letters, "balanced": self.balanced}


def account_of(topic: TopicEvents, counted: CountedRecords) -> TopicAccount:
    """The account of one topic."""
    return TopicAccount(topic.records, topic.dead_letters, counted, topic.erased)


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """The comparison of every table with the log, and the accounts of both topics."""

    log: TopicAccount
    evidence: TopicAccount
    tables: list[TableComparison]

    @property
    def holds(self) -> bool:
        """Whether no table differs, and every record was counted once."""
        return self.counted and all(one.difference is None for one in self.tables)

    @property
    def counted(self) -> bool:
        """Whether every record was counted once."""
        return self.log.balanced and self.evidence.balanced

    @property
    def records(self) -> int:
        """How many records the log has, up to the offsets of the tables."""
        return self.log.records

    @property
    def dead_letters(self) -> int:
        """The log's records that are not events."""
        return self.log.dead_letters

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "holds": self.holds,
            "records": self.records,
            "dead_letters": self.dead_letters,
            "counted": self.log.balanced,
            "evidence": self.evidence.as_dict(),
            "tables": {
                str(one.table): {"expected": one.expected, "found": one.found, "difference": one.difference}
                for one in self.tables
            },
            "name_erased": sum(one.named for one in self.tables),
        }
