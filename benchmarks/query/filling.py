"""The tables of a population, filled by COPY: rows of contacts and identity, and the customer rows of both.

Customer rows come from the composer's own pure functions. Identity's rows are written as they are after a login that
verified a member id, a phone or an e-mail address; statements and the timeline are left out, which no query of the
benchmark reads. As a process, ``python -m benchmarks.query.filling FOLDER NUMBER OF CUSTOMERS`` makes every ``OF``-th
block beginning with ``NUMBER``, and leaves what is to be added up in the folder.
"""

import asyncio
import pickle
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from benchmarks.bed import reading
from benchmarks.query.population import BLOCK, TENANT, MadeCustomer, customers_in
from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.bindings.tables import TABLE as BINDINGS
from projections.consents.tables import TABLE as CONSENTS
from projections.contacts.records import ContactRecord
from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.valid_days import NOTHING as NONE_COUNTED
from projections.contacts.valid_days import DayChanges, counts_of
from projections.customers.days import composed_days
from projections.customers.rows import ComposedCustomer, customer_row
from projections.customers.tables import (
    ADDRESS_CONTACTS,
    ATTRIBUTE_VALUES,
    COMPOSED_DAYS,
    CUSTOMER_CONTACTS,
    CUSTOMER_ROWS,
    CUSTOMER_TERMS,
    TAG_ENDS,
    ComposedDayRow,
    CustomerTermRow,
)
from projections.customers.terms import Term, term_id
from projections.customers.value_counts import Facts, ValueCounts, value_counts
from projections.engine.connection import Connection
from projections.engine.metadata import Row, row_columns
from projections.engine.store import save
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.holdings import NO_SESSION, Holding
from projections.identity.resolution.nodes import LiveIdentifier
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise
from projections.identity.rows import NOTHING, holding_row
from projections.identity.rules import DEFAULT_VERSION
from projections.identity.tables import CUSTOMERS, HOLDINGS, MEMBERS, CustomerRow, HoldingRow, MemberRow
from projections.notifications.tables import TABLE as NOTIFICATIONS
from projections.quota.tables import TABLE as QUOTA_DAYS
from projections.quota.tables import QuotaDayRow
from projections.tags.tables import TABLE as TAGS
from services.runtime.contact_ids import id_of
from services.runtime.settings import Settings

FILLED: Final = (
    CONTACTS, TAGS, ATTRIBUTES, CONSENTS, NOTIFICATIONS, BINDINGS, QUOTA_DAYS, MEMBERS, CUSTOMERS, HOLDINGS,
    CUSTOMER_ROWS, CUSTOMER_CONTACTS, CUSTOMER_TERMS, ATTRIBUTE_VALUES, TAG_ENDS, ADDRESS_CONTACTS, COMPOSED_DAYS,
)  # fmt: skip
_RESOLUTION: Final = ResolutionKey(TENANT, DEFAULT_VERSION)
_POLICY: Final = Policy(default_region="TW")
_TIER: Final = 1
_AT_ONCE: Final = 2_000  # statement parameters; each has some numbers
_Rows = dict[sa.Table, list[Row]]


class AddedUp(NamedTuple):
    """What several processes count: customers by term, valid ones by account and day, and values and ends of tags."""

    terms: Counter[Term]
    days: DayChanges
    values: ValueCounts

    def add(self, other: "AddedUp") -> None:
        """Count what another one has counted."""
        self.terms.update(other.terms)
        for key, number in other.days.items():
            self.days[key] = self.days.get(key, NONE_COUNTED).plus(number)
        for counts, more in zip(self.values, other.values, strict=True):
            counts.update(more)


def nothing_counted() -> AddedUp:
    """The beginning of a count."""
    return AddedUp(Counter(), {}, ValueCounts(Counter(), Counter()))


def rows_of(made: MadeCustomer, counts: AddedUp) -> Iterator[tuple[sa.Table, Row]]:
    """Every row of a customer, with its table."""
    for contact in made.contacts:
        yield from _of_contact(contact.record, made.identity.customer_id)
    yield from _of_identity(made)
    composed = customer_row(TENANT, made.identity, made.contacts, 0)
    yield from _of_customer(composed)
    found = [counts_of(contact.record.contact) for contact in made.contacts]
    for days in (*found, composed_days(TENANT, [composed.row.valid_days], composed.addresses)):
        counts.add(nothing_counted()._replace(days=days))
    values = value_counts([Facts(composed.row.attributes, composed.row.tags)])
    counts.add(nothing_counted()._replace(terms=Counter(composed.terms), values=values))


def _of_customer(composed: ComposedCustomer) -> Iterator[tuple[sa.Table, Row]]:
    yield CUSTOMER_ROWS, composed.row
    yield from ((CUSTOMER_CONTACTS, row) for row in composed.contacts)
    yield from ((ADDRESS_CONTACTS, row) for row in composed.addresses)


def _of_contact(record: ContactRecord, customer_id: UUID) -> Iterator[tuple[sa.Table, Row]]:
    row = record.contact
    yield CONTACTS, row
    yield from ((TAGS, one) for one in record.tags)
    yield from ((ATTRIBUTES, one) for one in record.attributes)
    yield from ((CONSENTS, one) for one in record.consents)
    yield from ((NOTIFICATIONS, one) for one in record.notifications)
    yield from ((BINDINGS, one) for one in record.bindings)
    yield (
        MEMBERS,
        MemberRow(
            *_RESOLUTION,
            row.contact_id,
            NO_SESSION,
            row.key,
            customer_id,
            component_id=customer_id,
            current=True,
            by_claim=False,
            features=NOTHING,
        ),
    )


def _of_identity(made: MadeCustomer) -> Iterator[tuple[sa.Table, Row]]:
    identity, founder = made.identity, made.contacts[0].record.contact
    yield (
        CUSTOMERS,
        CustomerRow(
            *_RESOLUTION,
            identity.customer_id,
            founder.key,
            founder.first_seen_at,
            len(made.contacts),
            identity.member_id,
            identity.phone,
            identity.email,
            preferred="[null,null]",
            clear=None,
        ),
    )
    known = {"member_id": identity.member_id, "phone": identity.phone, "email": identity.email}
    for name, value in known.items():
        if value is not None:
            yield HOLDINGS, _holding(founder.contact_id, name, value, founder.first_seen_at)


def _holding(contact_id: UUID, name: str, value: str, at: int) -> HoldingRow:
    read, stamp = normalise(name, value, _POLICY), (at, f"{value}-login")
    if not isinstance(read, Normalised):
        raise TypeError(f"{value!r} is no {name}")
    holding = Holding(verified=(at, *stamp))
    live = LiveIdentifier(_TIER, at, (0, *stamp))
    return holding_row(_RESOLUTION, contact_id, (NO_SESSION, name, read.value, ""), holding, live)


async def fill_part(settings: Settings, folder: Path, number: int, of: int, customers: int) -> None:
    """Make every ``of``-th block, beginning with ``number``. The folder has the number of blocks that are made."""
    identify: Callable[[str], UUID] = partial(id_of(settings.master_key), TENANT)
    counts, progress = nothing_counted(), folder / f"blocks-{number}"
    async with reading(settings) as connection:
        for done, block in enumerate(range(number, -(-customers // BLOCK), of), 1):
            made: _Rows = {}
            for one in customers_in(block, customers, identify):
                for table, row in rows_of(one, counts):
                    made.setdefault(table, []).append(row)
            for table, rows in made.items():
                await _copy(connection, table, rows)
            _replace(progress, str(done).encode())
    _replace(folder / f"counts-{number}", pickle.dumps(tuple(counts)))


def _replace(file: Path, content: bytes) -> None:
    """Write a file that nobody sees half written."""
    part = file.with_name(f"part-of-{file.name}")
    part.write_bytes(content)
    part.rename(file)


def counted(folder: Path) -> AddedUp:
    """What all processes counted."""
    counts = nothing_counted()
    for file in folder.glob("counts-*"):
        counts.add(AddedUp(*pickle.loads(file.read_bytes())))  # noqa: S301 - this benchmark's own file
    return counts


async def save_counts(connection: Connection, counts: AddedUp) -> None:
    """Write the counters of terms and values, and of the quota."""
    terms = [CustomerTermRow(TENANT, term_id(TENANT, term), *term, number) for term, number in counts.terms.items()]
    days = [(*key[1:], *numbers) for key, numbers in counts.days.items()]
    contacts = [QuotaDayRow._make((TENANT, 0, *row)) for row in days if row[0]]
    customers = [ComposedDayRow._make((TENANT, *row)) for row in days if not row[0]]
    counted_rows: dict[sa.Table, list[Row]] = {CUSTOMER_TERMS: [*terms], QUOTA_DAYS: [*contacts]}
    counted_rows |= {COMPOSED_DAYS: [*customers]}
    for table, found in zip((ATTRIBUTE_VALUES, TAG_ENDS), counts.values, strict=True):
        counted_rows[table] = [(TENANT, *key, number) for key, number in found.items()]
    for table, rows in counted_rows.items():
        for begin in range(0, len(rows), _AT_ONCE):
            async with connection.transaction():
                await save(connection, table, rows[begin : begin + _AT_ONCE])


async def _copy(connection: Connection, table: sa.Table, rows: Iterable[Row]) -> None:
    names: Any = [column.name for column in row_columns(table)]
    await connection.copy_records_to_table(table.name, records=rows, columns=names)


if __name__ == "__main__":
    asyncio.run(fill_part(Settings(), Path(sys.argv[1]), *map(int, sys.argv[2:])))
