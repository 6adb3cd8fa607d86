"""What a contact adds to the counters of its account, by day (pure).

It follows from the contact's row alone. So a chunk changes the counters by the difference between what its contacts
add after it and what they added before, and their sum does not depend on how events came or how they were cut.
"""

from operator import itemgetter
from typing import Final, cast

from projections.contacts.subscription import same_starts
from projections.contacts.tables import ContactRow
from projections.contacts.valid_days import DayChanges, DayCounts, counts_of, less, totals
from projections.engine.metadata import Key, Rows
from projections.quota.tables import QuotaDayRow

VERSION: Final = 1  # up with every change that gives other counters for the same events
_COUNTED: Final = ("subscribed", "subscribed_at", "superseded_by", "opted_out", "valid_since", "stamps")
_counted_of: Final = itemgetter(*map(ContactRow._fields.index, _COUNTED))


def difference(before: ContactRow | None, after: ContactRow | None) -> DayChanges:
    """How the counters change when the contact's row does; no number is without a change. None: there is no row."""
    if before is not None and after is not None and _counts_alike(before, after):
        return {}
    return less(*(counts_of(row) if row is not None else {} for row in (after, before)))


def _counts_alike(before: ContactRow, after: ContactRow) -> bool:
    """Whether the rows add the same. Most messages move the end of a run alone, which counts nowhere."""
    return _counted_of(before) == _counted_of(after) and same_starts(before.runs, after.runs)


def counted(contacts: Rows) -> Rows:
    """What the counters add up to over all partitions, from all contacts: rows of partition 0 in their place."""
    sums = totals(item for row in contacts.values() for item in counts_of(cast("ContactRow", row)).items())
    return _rows(sums)


def added_up(days: Rows) -> Rows:
    """The counters over all partitions, likewise."""
    rows = (cast("QuotaDayRow", row) for row in days.values())
    return _rows(totals(((row.tenant, row.channel, row.account, row.day), row.counts) for row in rows))


def _rows(sums: DayChanges) -> Rows:
    return {
        (tenant, 0, channel, account, day): row_of((tenant, 0, channel, account, day), counts)
        for (tenant, channel, account, day), counts in sums.items()
    }


def row_of(key: Key, counts: DayCounts) -> QuotaDayRow:
    """The row of a key, with these counts."""
    tenant, log_partition, channel, account, day = key
    return QuotaDayRow(tenant, log_partition, channel, account, day, *counts)
