"""Identity in memory, from the whole set of events at once: what the tables must come to.

One chunk, resolved in full, onto nothing: no short way, no loading, nothing cut out of a tenant, so the tables, which
are resolved component by component as evidence comes in, are checked against it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa

from projections.engine.metadata import Key, Row, key_of
from projections.identity import handlers
from projections.identity.contact_evidence import NOTHING
from projections.identity.ports import Rules
from projections.identity.store import ContactKey, CurrentCustomer, Holder, IdentityDelta, Value
from projections.identity.tables import (
    CUSTOMERS,
    LINKS,
    MEMBERS,
    NAMINGS,
    READ_MODELS,
    REFUSALS,
    STATEMENTS,
    ConflictRow,
    LinkRow,
    MemberRow,
    ReferenceRow,
    StatementRow,
)
from schemas.events import Event

Rows = dict[Key, Row]


async def resolve_log(events: Iterable[Event], rules: Rules) -> dict[sa.Table, Rows]:
    """Every row of every table of identity that the set of events decides, by table and key."""
    blank = WriteOnlyStore()
    await handlers.save(blank, events, rules, in_full=True)
    return decided({table: {key_of(table, row): row for row in rows} for table, rows in blank.rows.items()})


def decided(tables: Mapping[sa.Table, Mapping[Key, Row]]) -> dict[sa.Table, Rows]:
    """What of the tables the set of events alone decides.

    A contact of whom nothing is stated any more, since an event turned out to say something else than it was heard to
    say, is alone, with a row or without.
    """
    found = {table: dict(tables[table]) for table in READ_MODELS}
    rows = remembered(MemberRow(*row) for row in tables[MEMBERS].values())
    found[MEMBERS] = {key_of(MEMBERS, row): row for row in rows}
    customers = {(row.tenant, row.customer_id) for row in rows}
    found[CUSTOMERS] = {key: row for key, row in tables[CUSTOMERS].items() if key in customers}
    return found


def remembered(members: Iterable[MemberRow]) -> list[MemberRow]:
    """Without those who are alone and of whom nothing is stated, as if they had no row."""
    rows = list(members)
    together = Counter((row.tenant, row.component) for row in rows)
    return [
        row
        for row in rows
        if together[row.tenant, row.component] > 1
        or (row.holdings, row.decisions, row.named_at) != (NOTHING, NOTHING, None)
    ]


class WriteOnlyStore:
    """See Identities: nothing is remembered of anybody, and what is written is kept, to be looked at.

    It is for one chunk, whose own writing nobody reads again.
    """

    def __init__(self) -> None:
        self.rows: dict[sa.Table, list[Row]] = {table: [] for table in READ_MODELS}

    async def record(self, rows: Collection[StatementRow]) -> dict[Key, StatementRow]:
        """See Identities."""
        self.rows[STATEMENTS] += rows
        return {}

    async def replace(self, rows: Collection[StatementRow]) -> None:
        """See Identities."""
        _never(rows)

    async def statements(self, contacts: Collection[ContactKey]) -> list[StatementRow]:
        """See Identities."""
        return []

    async def members(self, contacts: Collection[ContactKey]) -> dict[ContactKey, MemberRow]:
        """See Identities."""
        return {}

    async def components(self, contacts: Collection[ContactKey]) -> list[MemberRow]:
        """See Identities."""
        return []

    async def homes(self, contacts: Collection[ContactKey]) -> dict[ContactKey, CurrentCustomer]:
        """See Identities."""
        return {}

    async def crews(self, customers: Collection[ContactKey]) -> dict[ContactKey, list[str]]:
        """See Identities."""
        return {}

    async def holders(self, wanted: Mapping[Value, int]) -> dict[Value, list[Holder]]:
        """See Identities."""
        return {}

    async def relink(self, gone: Collection[LinkRow], new: Collection[LinkRow]) -> None:
        """See Identities."""
        _never(gone)
        self.rows[LINKS] += new

    async def name(self, gone: Collection[Key], known: Collection[ReferenceRow]) -> None:
        """See Identities."""
        _never(gone)
        self.rows[NAMINGS] += known

    async def named(self, contacts: Collection[ContactKey]) -> dict[ContactKey, int]:
        """See Identities."""
        return {}

    async def refusals(self, contacts: Collection[ContactKey]) -> list[ConflictRow]:
        """See Identities."""
        return []

    async def write(self, outcome: IdentityDelta) -> None:
        """See Identities."""
        _never([*outcome.members, *outcome.moves, *outcome.customers])
        _never([*outcome.customers_gone, *outcome.refusals_gone])
        self.rows[MEMBERS] += outcome.members_new
        self.rows[CUSTOMERS] += outcome.customers_new
        self.rows[REFUSALS] += outcome.refusals


def _never(known: Collection[object]) -> None:
    if known:
        raise AssertionError("nothing was remembered, and something of it is to be changed")
