"""What a contact adds to the counters of its account, by day (pure).

It follows from the contact's row alone. So a chunk changes the counters by the difference between what its contacts
add after it and what they added before, and their sum does not depend on how events came or how they were cut.
"""

from collections.abc import Iterable, Iterator
from typing import Final, cast

import orjson

from projections.contacts.tables import ContactRow
from projections.engine.metadata import Key, Rows
from projections.quota.tables import MS_OF_DAY, DayCounts, QuotaDayRow
from schemas.events.subscription import MARKETING_KINDS

VERSION: Final = 1  # up with every change that gives other counters for the same events
_SHOWN: Final = ("subscribed", "subscribed_at", "superseded_by", "opted_out", "valid_since", "runs", "stamps")


QuotaChanges = dict[Key, DayCounts]  # by (tenant, channel, account, day), or with the partition after the tenant
NOTHING: Final = DayCounts()


def valid_periods(row: ContactRow) -> Iterator[tuple[int, int | None]]:
    """The times, in ms, in which the contact was valid by itself; the present one has no end.

    An opt-out from all marketing that was taken back, and what superseded a contact first, leave no trace in its row.
    """
    left = _left_at(row)
    starts: list[tuple[bool, int]] = [(sign, at) for sign, at, *_ in orjson.loads(row.runs)]
    for number, (sign, began) in enumerate(starts):
        ended = starts[number + 1][1] if number + 1 < len(starts) else None
        if left is not None:
            ended = left if ended is None else min(ended, left)
        if sign and (ended is None or began < ended):
            yield began, ended


def counts_of(row: ContactRow) -> QuotaChanges:
    """What the contact adds to the counters."""
    found: QuotaChanges = {}
    if row.runs != "[]":
        for began, ended in valid_periods(row):
            _add(found, row, began, DayCounts(valid=int(ended is None), began=1))
            if ended is not None:
                _add(found, row, ended, DayCounts(ended=1))
    return found


def difference(before: ContactRow | None, after: ContactRow) -> QuotaChanges:
    """How the counters change when the contact's row does; no number is without a change."""
    if before is not None and all(getattr(before, name) == getattr(after, name) for name in _SHOWN):
        return {}
    found = counts_of(after)
    for key, counts in (counts_of(before) if before is not None else {}).items():
        found[key] = found.get(key, NOTHING).plus(counts, -1)
    return {key: counts for key, counts in found.items() if counts != NOTHING}


def totals(found: Iterable[tuple[Key, DayCounts]]) -> QuotaChanges:
    """The sums by key, of which none is without a number."""
    sums: QuotaChanges = {}
    for key, counts in found:
        sums[key] = sums.get(key, NOTHING).plus(counts)
    return {key: counts for key, counts in sums.items() if counts != NOTHING}


def counted(contacts: Rows) -> Rows:
    """What the counters add up to over all partitions, from all contacts: rows of partition 0 in their place."""
    sums = totals(item for row in contacts.values() for item in counts_of(cast("ContactRow", row)).items())
    return _rows(sums)


def added_up(days: Rows) -> Rows:
    """The counters over all partitions, likewise."""
    rows = (cast("QuotaDayRow", row) for row in days.values())
    return _rows(totals(((row.tenant, row.channel, row.account, row.day), row.counts) for row in rows))


def _rows(sums: QuotaChanges) -> Rows:
    return {
        (tenant, 0, channel, account, day): row_of((tenant, 0, channel, account, day), counts)
        for (tenant, channel, account, day), counts in sums.items()
    }


def row_of(key: Key, counts: DayCounts) -> QuotaDayRow:
    """The row of a key, with these counts."""
    tenant, log_partition, channel, account, day = key
    return QuotaDayRow(tenant, log_partition, channel, account, day, *counts)


def _add(found: QuotaChanges, row: ContactRow, at: int, counts: DayCounts) -> None:
    key = (row.tenant, row.channel, row.account, at // MS_OF_DAY)
    found[key] = found.get(key, NOTHING).plus(counts)


def _left_at(row: ContactRow) -> int | None:
    """When the contact opted out of all marketing, or was superseded, whichever came first."""
    if not row.opted_out and row.superseded_by in (None, row.key):
        return None
    stamps = orjson.loads(row.stamps)
    left: list[int] = [max(stamps[kind][0] for kind in MARKETING_KINDS)] if row.opted_out else []
    if row.superseded_by not in (None, row.key):
        left.append(stamps["superseded_by"][1])
    return min(left, default=None)
