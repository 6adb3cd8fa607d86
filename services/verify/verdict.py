"""What verifying found."""

from dataclasses import dataclass
from typing import Any

from services.verify.comparing import Comparison
from services.verify.log_reader import Said
from services.verify.snapshot import Counted


@dataclass(frozen=True, slots=True)
class Account:
    """A topic's records as they are, and as they were counted beside the offsets."""

    records: int
    dead_letters: int
    counted: Counted

    @property
    def balanced(self) -> bool:
        """Whether every record was counted once."""
        return (self.records, self.dead_letters) == (self.counted.records, self.counted.dead_letters)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"records": self.records, "dead_letters": self.dead_letters, "balanced": self.balanced}


def account_of(said: Said, counted: Counted) -> Account:
    """A topic's account."""
    return Account(said.records, said.dead_letters, counted)


@dataclass(frozen=True, slots=True)
class Verdict:
    """All tables against the log, and whether the counters add up."""

    log: Account
    evidence: Account
    tables: list[Comparison]

    @property
    def holds(self) -> bool:
        """Whether the tables are what the log gives, and every record was counted once."""
        return self.counted and all(one.difference is None for one in self.tables)

    @property
    def counted(self) -> bool:
        """Whether every record was counted once."""
        return self.log.balanced and self.evidence.balanced

    @property
    def records(self) -> int:
        """The log's records, up to its offsets."""
        return self.log.records

    @property
    def dead_letters(self) -> int:
        """Those of them that are no events."""
        return self.log.dead_letters

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "holds": self.holds,
            "records": self.records,
            "dead_letters": self.dead_letters,
            "counted": self.log.balanced,
            "evidence": self.evidence.as_dict(),
            "tables": {
                one.table: {"expected": one.expected, "found": one.found, "difference": one.difference}
                for one in self.tables
            },
        }
