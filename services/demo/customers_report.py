"""Who is who, told: how many customers, of how many contacts each, what made them and what was refused."""

from collections.abc import Iterator
from typing import Any, Final

from rich.table import Table

from projections.identity.resolution.links import MEANINGS
from services.demo.membership import Listener, Tables, largest

_SHOWN: Final = 5  # sizes one by one; the rest together


def customers_table(tables: Tables, listener: Listener) -> Table:
    """For people."""
    table = Table(title="Who is who", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, count, remark in _rows(tables, listener):
        table.add_row(name, f"{count:,}", remark)
    return table


def _rows(tables: Tables, listener: Listener) -> Iterator[tuple[str, int, str]]:
    yield "customers", tables.customers, "Omni-customers, each with all its contacts"
    for size, customers in largest(tables.distribution, _SHOWN):
        yield f"  of {size} contact{'s' if size != '1' else ''}", customers, ""
    yield "merges", listener.merges, "times that customers became one, by the changes told"
    yield "splits", listener.splits, "customers that came out of another, likewise"
    for reason, count in tables.refused.items():
        yield f"refused: {reason}", count, MEANINGS[reason]
    for reason, count in tables.set_aside.items():
        yield f"set aside: {reason}", count, MEANINGS[reason]


def customers_as_json(tables: Tables, listener: Listener) -> dict[str, Any]:
    """For programs."""
    return {
        "count": tables.customers,
        "contacts_per_customer": {str(size): customers for size, customers in tables.distribution.items()},
        "merges": listener.merges,
        "splits": listener.splits,
        "changes": dict(listener.told),
        "refused": dict(tables.refused),
        "set_aside": dict(tables.set_aside),
    }
