"""Follows the crossings of quotas on the customer-changes topic and compares where they lead with the stored levels."""

from collections.abc import Iterable, Mapping

from projections.migrations.tables import QUOTA_LEVELS
from schemas.quota_changes import THRESHOLDS, QuotaCrossed
from services.verify.comparing import TableComparison

Crossings = dict[str, dict[int, QuotaCrossed]]  # by tenant and seq


def add_crossings(history: Crossings, crossings: Iterable[QuotaCrossed]) -> None:
    """Add crossings to the history, in any order; one that comes again is ignored."""
    for one in crossings:
        history.setdefault(one.tenant, {}).setdefault(one.seq, one)


def compare_crossings(history: Crossings, levels: Mapping[str, int]) -> TableComparison:
    """Compares the levels that the crossings lead to with those that were noted, by tenant."""
    wrong = [f"tenant {tenant}: {problem}" for tenant, own in history.items() if (problem := _problem(own))]
    found = {tenant: own[max(own)] for tenant, own in history.items()}
    wrong += [
        f"tenant {tenant}: the latest crossing does not lead to the level that was noted"
        for tenant in found.keys() | levels.keys()
        if _level_after(found.get(tenant)) != levels.get(tenant, 0)
    ]
    return TableComparison(QUOTA_LEVELS.name, len(levels), len(found), min(wrong, default=None))


def _problem(crossings: Mapping[int, QuotaCrossed]) -> str | None:
    level = 0
    for number, (seq, one) in enumerate(sorted(crossings.items()), 1):
        if seq != number:
            return "a crossing is missing"
        if one.threshold <= level if one.direction == "up" else one.threshold != level:
            return "a crossing does not begin where the one before it ended"
        level = _level_after(one)
    return None


def _level_after(crossing: QuotaCrossed | None) -> int:
    if crossing is None:
        return 0
    if crossing.direction == "up":
        return crossing.threshold
    return max((one for one in THRESHOLDS if one < crossing.threshold), default=0)
