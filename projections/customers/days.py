"""What customers and addresses add to the counters of quota that the composer keeps (pure)."""

from collections.abc import Iterable, Iterator

import orjson

from projections.contacts.valid_days import MS_OF_DAY, DayChanges, DayCounts, totals
from projections.customers.tables import AddressContactRow
from projections.engine.metadata import Key


def composed_days(tenant: str, valid_since: Iterable[int | None], addresses: Iterable[AddressContactRow]) -> DayChanges:
    """The counts of customers, given when each became valid, and the corrections of addresses."""
    customers = ((_of_customers(tenant, at), DayCounts(valid=1)) for at in valid_since if at is not None)
    return totals([*customers, *(found for row in addresses for found in _corrections(row))])


def _of_customers(tenant: str, at: int) -> Key:
    return (tenant, "", "", at // MS_OF_DAY)


def _corrections(row: AddressContactRow) -> Iterator[tuple[Key, DayCounts]]:
    for day, *counts in orjson.loads(row.days):
        yield (row.tenant, row.channel, row.account, day), DayCounts(*counts)
