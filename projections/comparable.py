"""What two generations that have folded the same log must agree on: the rows that the log alone determines.

The rest depends on the order in which events came, and on how they were cut into chunks. Identity is sent an event for
the first time that an intrinsic identifier is stated; while events come late, one that is not the first may be sent.
So what identity was sent, and what it set aside of that, may differ. What only saves look-ups may be so by evidence
that does not count any more.
"""

from collections.abc import Collection, Mapping
from typing import Final

import sqlalchemy as sa

from projections.customers.tables import CUSTOMER_ROWS
from projections.engine.comparison import ComparedTable
from projections.engine.metadata import Table, row_columns
from projections.erasures.tables import ERASED_EVENTS
from projections.erasures.tables import TABLE as ERASURES
from projections.identity.tables import (
    CONTACT_STATES,
    ERASED_STATEMENTS,
    HOLDINGS,
    MEMBER_MERGES,
    POLICIES,
    RESOLUTIONS,
    RESOLVED,
    SET_ASIDE,
    STATEMENTS,
)
from projections.identity.tables import TABLES as IDENTITY
from projections.intrinsics.evidence import TYPES
from projections.intrinsics.tables import TABLE as INTRINSICS
from projections.quota.tables import TABLE as QUOTA_DAYS
from projections.registry import CONTACT_TABLES, SCHEMA

_LEFT_OUT: Final[Mapping[Table, frozenset[str]]] = {
    CONTACT_STATES: frozenset({"named", "latest_at"}),
    HOLDINGS: frozenset({"stamps", "latest_at", "latest_by"}),
    RESOLUTIONS: frozenset({"total", "done", "position"}),
}
# Which values are set aside depends on the events that were sent, not on their set alone.
_OF_RESOLUTIONS: Final = tuple(table for table in RESOLVED if table is not SET_ASIDE)


def _is_active(table: Table) -> sa.ColumnElement[bool]:
    """That the row's resolution is not being built, nor retired: such a one is incomplete."""
    own = (RESOLUTIONS.c.tenant == table.c.tenant, RESOLUTIONS.c.resolution_id == table.c.resolution_id)
    return ~sa.exists().where(*own, RESOLUTIONS.c.state != "active")


def _conditions(table: Table) -> tuple[sa.ColumnElement[bool], ...]:
    if table in _OF_RESOLUTIONS:
        return (_is_active(table),)
    if table is QUOTA_DAYS:  # counters that are 0 again stay
        return ((QUOTA_DAYS.c.valid != 0) | (QUOTA_DAYS.c.began != 0) | (QUOTA_DAYS.c.ended != 0),)
    if table is RESOLUTIONS:
        return (RESOLUTIONS.c.state == "active",)
    return (STATEMENTS.c.type.in_(sorted(TYPES)),) if table is STATEMENTS else ()


def _compared(table: Table) -> ComparedTable:
    left_out = _LEFT_OUT.get(table, frozenset())
    columns = tuple(one for one in row_columns(table) if one.name not in left_out)
    return ComparedTable(table, columns, _conditions(table))


COMPARED: Final[tuple[ComparedTable, ...]] = tuple(
    _compared(table)
    for table in (
        *CONTACT_TABLES,
        QUOTA_DAYS,
        CUSTOMER_ROWS,
        INTRINSICS,
        STATEMENTS,
        MEMBER_MERGES,
        POLICIES,
        RESOLUTIONS,
        *_OF_RESOLUTIONS,
    )
)
EVENTUAL: Final = frozenset(
    one.name for one in (CUSTOMER_ROWS, STATEMENTS, MEMBER_MERGES, POLICIES, RESOLUTIONS, *_OF_RESOLUTIONS)
)  # what comes from the evidence, of which a generation may have read more or less than another at the same offsets

# What keeps erased events from coming back. Their records can't be read any more once the keys of their contacts are
# destroyed, so neither the log nor a generation that is built afterwards gives all of these rows.
REMEMBERED: Final = (ERASED_EVENTS, ERASED_STATEMENTS)
MAY_LACK: Final = frozenset(str(table.name) for table in REMEMBERED)


def change_of(
    compared: ComparedTable, columns: Mapping[str, Collection[str]], versions: Mapping[str, int] | None
) -> str | None:
    """Why the rows of a generation that other code made may differ, if they may.

    ``columns`` are those of its tables, ``versions`` those of its folds, None where it keeps none.
    """
    found = columns.get(compared.name)
    if found is None:
        return "it is new"
    ours = {one.name for one in compared.table.columns}
    if ours != set(found):
        added, gone = sorted(ours - set(found)), sorted(set(found) - ours)
        return "; ".join(
            f"columns {what}: {', '.join(names)}" for what, names in (("new", added), ("gone", gone)) if names
        )
    fold = _fold_of(compared.table)
    if versions is None:
        return "the version of its fold is not known"
    if versions.get(fold) != SCHEMA.fold_versions[fold]:
        return f"the version of its fold was {versions.get(fold)}, and is {SCHEMA.fold_versions[fold]}"
    return None


def _fold_of(table: Table) -> str:
    """The name of the fold that makes the table's rows."""
    if table in IDENTITY:
        return "identity"
    return ERASURES.name if table is ERASED_EVENTS else table.name
