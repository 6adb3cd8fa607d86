"""What customers and addresses add to the counters of quota that the composer keeps (pure)."""

from collections.abc import Iterable, Iterator

import orjson

from projections.contacts.valid_days import DayChanges, DayCounts, totals
from projections.customers.tables import AddressContactRow
from projections.engine.metadata import Key


def composed_days(tenant: str, customers: Iterable[str], addresses: Iterable[AddressContactRow]) -> DayChanges:
    """The counts of customers, given their ``valid_days``, and the corrections of addresses."""
    of_customers = (found for days in customers for found in _dated((tenant, "", ""), days))
    of_addresses = (found for row in addresses for found in _dated((row.tenant, row.channel, row.account), row.days))
    return totals([*of_customers, *of_addresses])


def days_json(changes: DayChanges) -> str:
    """The changes of one account, or of one customer, as rows have them."""
    return orjson.dumps(sorted((key[-1], *counts) for key, counts in changes.items())).decode()


def _dated(of: Key, days: str) -> Iterator[tuple[Key, DayCounts]]:
    for day, *counts in orjson.loads(days):
        yield (*of, day), DayCounts(*counts)
