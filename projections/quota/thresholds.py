"""Which thresholds of a quota are crossed between two moments (pure)."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from projections.settings.queries import QuotaUnit
from schemas.quota_changes import THRESHOLDS, QuotaCrossed, Threshold


class QuotaUse(NamedTuple):
    """What is used of a tenant's limit at one moment; without a limit no threshold is reached.

    ``current`` is whether ``used`` has everything that is known.
    """

    limit: int | None
    unit: QuotaUnit
    used: int
    current: bool = True


def level_of(use: QuotaUse) -> int:
    """The highest threshold that is reached, in percent; 0 if none is."""
    if use.limit is None:
        return 0
    return max((one for one in THRESHOLDS if use.used * 100 >= one * use.limit), default=0)


def crossings(tenant: str, level: int, use: QuotaUse, at: int) -> Iterator[QuotaCrossed]:
    """The crossings that lead from a level to that of the use at ``at`` ms, in their order, without their numbers."""
    now = level_of(use)
    limit = use.limit or 0

    def crossed(threshold: Threshold, direction: Literal["up", "down"]) -> QuotaCrossed:
        return QuotaCrossed(
            tenant=tenant,
            threshold=threshold,
            direction=direction,
            used=use.used,
            limit=limit,
            unit=use.unit,
            at=at,
        )

    yield from (crossed(one, "up") for one in THRESHOLDS if level < one <= now)
    yield from (crossed(one, "down") for one in reversed(THRESHOLDS) if now < one <= level)
