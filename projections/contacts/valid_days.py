"""When contacts and addresses were valid, and what that adds to counters by account and day (pure)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import orjson

from projections.contacts.addresses import Address
from projections.contacts.tables import ContactRow
from projections.engine.metadata import Key
from schemas.events.subscription import MARKETING_KINDS

MS_OF_DAY: Final = 86_400_000


class DayCounts(NamedTuple):
    """Numbers of one account and day.

    ``valid`` are those valid now that subscribed on that day. ``began`` and ``ended`` are the periods of validity that
    began and that ended on it: began less ended, over all days up to one, were valid at its end.
    """

    valid: int = 0
    began: int = 0
    ended: int = 0

    def plus(self, other: "DayCounts", sign: int = 1) -> "DayCounts":
        """The sums, or with a sign of -1 the differences."""
        return DayCounts(
            self.valid + sign * other.valid, self.began + sign * other.began, self.ended + sign * other.ended
        )


DayChanges = dict[Key, DayCounts]  # by (tenant, channel, account, day), or with the partition after the tenant
Period = tuple[int, int | None]  # from, in ms, and until; the present one has no end
NOTHING: Final = DayCounts()


def totals(found: Iterable[tuple[Key, DayCounts]]) -> DayChanges:
    """The sums by key, of which none is without a number."""
    sums: DayChanges = {}
    for key, counts in found:
        sums[key] = sums.get(key, NOTHING).plus(counts)
    return {key: counts for key, counts in sums.items() if counts != NOTHING}


def less(one: DayChanges, other: DayChanges) -> DayChanges:
    """The differences by key, of which none is without a number."""
    if one == other:
        return {}
    return totals([*one.items(), *((key, NOTHING.plus(counts, -1)) for key, counts in other.items())])


def valid_periods(row: ContactRow) -> Iterator[Period]:
    """The times in which the contact was valid by itself.

    An opt-out from all marketing that was taken back, and what superseded a contact first, leave no trace in its row.
    """
    return _until(_left_at(row), _subscribed(row))


def counts_of(row: ContactRow) -> DayChanges:
    """What the contact by itself adds to the counters."""
    if row.runs == "[]":
        return {}
    return _counted(_account(row), valid_periods(row), row.valid_since)


def address_counts(rows: Sequence[ContactRow], address: Address) -> DayChanges:
    """What an address of several contacts adds to the counters: that of one that was valid while any of them was."""
    since = address.place.subscribed_at if address.place else None
    return _counted(_account(rows[0]), _periods_of(rows, address), since)


def customer_counts(
    tenant: str, addresses: Iterable[tuple[Sequence[ContactRow], Address]], since: int | None
) -> DayChanges:
    """What a customer adds to the counters, which have no channel and account: valid while any address was.

    ``addresses`` are its addresses, each with the rows of its contacts; ``since`` is when the latest valid one
    subscribed.
    """
    periods = _joined(period for rows, address in addresses for period in _periods_of(rows, address))
    return _counted((tenant, "", ""), periods, since)


def _periods_of(rows: Sequence[ContactRow], address: Address) -> Iterator[Period]:
    left = None if address.valid else _address_left_at(rows, address)
    return _until(left, _joined(period for row in rows for period in _subscribed(row)))


def _account(row: ContactRow) -> Key:
    return (row.tenant, row.channel, row.account)


def _counted(of: Key, periods: Iterable[Period], since: int | None) -> DayChanges:
    """The counts of periods, by ``of`` and the day; ``since`` is the day of the one that is valid now."""

    def key(at: int) -> Key:
        return (*of, at // MS_OF_DAY)

    found = [(key(since), DayCounts(valid=1))] if since is not None else []
    for began, ended in periods:
        found.append((key(began), DayCounts(began=1)))
        if ended is not None:
            found.append((key(ended), DayCounts(ended=1)))
    return totals(found)


def _subscribed(row: ContactRow) -> Iterator[Period]:
    starts: list[tuple[bool, int]] = [(sign, at) for sign, at, *_ in orjson.loads(row.runs)]
    ends: list[int | None] = [*(at for _, at in starts[1:]), None]
    return ((began, ended) for (sign, began), ended in zip(starts, ends, strict=False) if sign)


def _joined(periods: Iterable[Period]) -> list[Period]:
    """The periods, of which those that meet are one."""
    found: list[Period] = []
    for began, ended in sorted(periods, key=lambda one: one[0]):
        last = found[-1][1] if found else began - 1
        if last is None or began <= last:
            found[-1] = (found[-1][0], None if last is None or ended is None else max(last, ended))
        else:
            found.append((began, ended))
    return found


def _until(left: int | None, periods: Iterable[Period]) -> Iterator[Period]:
    """The parts of the periods before the time at which all ended."""
    for began, end in periods:
        ended = end if left is None else left if end is None else min(end, left)
        if ended is None or began < ended:
            yield began, ended


def _left_at(row: ContactRow) -> int | None:
    """When the contact opted out of all marketing, or was superseded, whichever came first."""
    left = [_stamps(row, kind)[0] for kind in MARKETING_KINDS] if row.opted_out else []
    return min([*([max(left)] if left else []), *_superseded_at([row], (row.key,))], default=None)


def _address_left_at(rows: Iterable[ContactRow], address: Address) -> int | None:
    refused = {one.kind: one.at for one in address.consents if not one.allowed}
    left = [max(refused.values())] if refused.keys() >= MARKETING_KINDS else []
    return min([*left, *_superseded_at(rows, address.contacts)], default=None)


def _superseded_at(rows: Iterable[ContactRow], by_none_of: Collection[str]) -> list[int]:
    """When the contacts were superseded by another one than these."""
    gone = (row for row in rows if row.superseded_by is not None and row.superseded_by not in by_none_of)
    return [_stamps(row, "superseded_by")[1] for row in gone]


def _stamps(row: ContactRow, register: str) -> list[int]:
    found: list[int] = orjson.loads(row.stamps)[register]
    return found
