"""Rows against rows. What differs is named by tenant, ids and columns: the values may be identifiers."""

from dataclasses import dataclass
from typing import Any, Final

from projections.engine.table import Key, Row, Table

Rows = dict[Key, Row]
_CALLED: Final = {"contact_id": "contact", "customer_id": "customer"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One table, or what stands for one, against the log."""

    table: str
    expected: int
    found: int
    difference: str | None


def compare(table: Table, expected: Rows, found: Rows) -> Comparison:
    """The first difference, by key."""
    difference = None
    if expected != found:
        key = min(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
        difference = f"{_name(table, key)}: {_kind(table, expected.get(key), found.get(key))}"
    return Comparison(table.name, len(expected), len(found), difference)


def _name(table: Table, key: Key) -> str:
    names = [column.name for column in table.key_columns]
    ids = [f"{_CALLED[name]} {value}" for name, value in zip(names, key, strict=True) if name in _CALLED]
    return f"{table.name} of tenant {key[0]}, {', '.join(ids)}"


def _kind(table: Table, expected: Any, found: Any) -> str:
    if found is None:
        return "the log has this row, the table lacks it"
    if expected is None:
        return "the table has a row that the log does not give"
    names = [column.name for column, ours, theirs in zip(table.columns, expected, found, strict=True) if ours != theirs]
    return f"differs in {', '.join(names)}"
