"""Counters of valid contacts. Their sum is what is used of a quota, at the offsets of the same snapshot.

Each partition of the log has counters of its own, so that the owners of two partitions never wait for each other. A
reader adds them up.
"""

from typing import Final, NamedTuple

from projections.engine.metadata import Int, define

MS_OF_DAY: Final = 86_400_000


class DayCounts(NamedTuple):
    """Numbers of one account and day; see `QuotaDayRow`."""

    valid: int = 0
    began: int = 0
    ended: int = 0

    def plus(self, other: "DayCounts", sign: int = 1) -> "DayCounts":
        """The sums, or with a sign of -1 the differences."""
        return DayCounts(*(mine + sign * theirs for mine, theirs in zip(self, other, strict=True)))


class QuotaDayRow(NamedTuple):
    """Counts of one day (since 1970, UTC), of the contacts whose events are in one partition of the log.

    ``valid`` are the valid contacts that subscribed on that day. ``began`` and ``ended`` are the periods of validity
    that began and that ended on it: began less ended, over all days up to one, were valid at its end.
    """

    tenant: str
    log_partition: Int
    channel: str
    account: str
    day: Int
    valid: int
    began: int
    ended: int

    @property
    def counts(self) -> DayCounts:
        """The numbers alone."""
        return DayCounts(self.valid, self.began, self.ended)


TABLE: Final = define("quota_days", QuotaDayRow, key=5, fillfactor=70)
