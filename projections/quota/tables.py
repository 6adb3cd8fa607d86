"""Counters of valid contacts. Their sum is what is used of a quota, at the offsets of the same snapshot.

Each partition of the log has counters of its own, so that the owners of two partitions never wait for each other. A
reader adds them up.
"""

from typing import Final, NamedTuple

from projections.contacts.valid_days import DayCounts
from projections.engine.metadata import Int, define


class QuotaDayRow(NamedTuple):
    """Counts of one day (since 1970, UTC), of the contacts whose events are in one partition of the log.

    The numbers are as in `DayCounts`, of contacts by themselves.
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
