"""What a check found."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

# warning: it works, and somebody should know; failed: something has to be done; unknown: it could not be looked at.
FindingState = Literal["ok", "warning", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check: what it looked at, what it found, and what to do about it. No text has a secret or personal data."""

    area: str
    check: str
    state: FindingState
    found: str
    advice: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Area:
    """Makes the results of one area."""

    name: str

    def ok(self, check: str, found: str) -> CheckResult:
        """Nothing has to be done."""
        return CheckResult(self.name, check, "ok", found)

    def warning(self, check: str, found: str, advice: str) -> CheckResult:
        """It works, and somebody should know."""
        return CheckResult(self.name, check, "warning", found, advice)

    def failed(self, check: str, found: str, advice: str) -> CheckResult:
        """Something has to be done."""
        return CheckResult(self.name, check, "failed", found, advice)

    def unknown(self, check: str, found: str, advice: str = "") -> CheckResult:
        """It could not be looked at."""
        return CheckResult(self.name, check, "unknown", found, advice)
