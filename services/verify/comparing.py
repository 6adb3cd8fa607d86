"""Compares rows with rows.

A difference is named by tenant, ids and columns, never by values: values may be identifiers of persons.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from projections.comparable import MAY_LACK
from projections.engine.metadata import Key, Rows, Table, key_columns, row_type

_ID_NAMES: Final = {"contact_id": "contact", "customer_id": "customer"}


@dataclass(frozen=True, slots=True)
class TableComparison:
    """The result for one table or topic: rows by the log, rows found, and the first difference by key.

    ``named`` rows differ, and are of contacts with events that name an erased one: the log can't give these any more.
    """

    table: str
    expected: int
    found: int
    difference: str | None
    named: int = 0


def compare(table: Table, expected: Rows, found: Rows) -> TableComparison:
    """Compares the rows that the log gives with the rows of the table."""
    difference = None
    if expected != found:
        key = min(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
        difference = f"{_name(table, key)}: {_kind(table, expected.get(key), found.get(key))}"
    return TableComparison(table.name, len(expected), len(found), difference)


def without_unreadable(table: Table, expected: Rows, found: Rows, erased: Rows) -> Rows:
    """The rows that were found, but for those that only records could give which can't be read any more.

    These are of the contacts that are ``erased`` by the log, by tenant and id.
    """
    if str(table.name) not in MAY_LACK:
        return found
    return {key: row for key, row in found.items() if key in expected or key[:2] not in erased}


def compare_named(table: Table, expected: Rows, found: Rows, contacts: AbstractSet[UUID]) -> TableComparison:
    """The same, but for rows of these ``contacts``, which have events that name an erased one."""
    if not contacts or expected == found:
        return compare(table, expected, found)
    named = {
        key
        for key in expected.keys() | found.keys()
        if expected.get(key) != found.get(key) and not contacts.isdisjoint(key)
    }
    here, there = ({key: row for key, row in rows.items() if key not in named} for rows in (expected, found))
    return replace(compare(table, here, there), expected=len(expected), found=len(found), named=len(named))


def _name(table: Table, key: Key) -> str:
    names = [column.name for column in key_columns(table)]
    ids = [f"{_ID_NAMES[name]} {value}" for name, value in zip(names, key, strict=True) if name in _ID_NAMES]
    return f"{table.name} of tenant {key[0]}, {', '.join(ids)}"


def _kind(table: Table, expected: Any, found: Any) -> str:
    if found is None:
        return "the log has this row, the table lacks it"
    if expected is None:
        return "the table has a row that the log does not give"
    compared = zip(row_type(table)._fields, expected, found, strict=True)
    names = [name for name, ours, theirs in compared if ours != theirs]
    return f"differs in {', '.join(names)}"
