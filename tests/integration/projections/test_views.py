"""The views for analysts show the active generation, and go on showing it after the next one began."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.tables import ContactRow
from projections.customers.tables import CUSTOMER_ROWS, CustomerSummaryRow
from projections.engine.connection import Connection
from projections.engine.generations import ensure_generation, next_generation, start_afresh
from projections.engine.store import save
from projections.engine.views import View
from projections.identity.tables import CUSTOMERS, MEMBERS, CustomerRow, MemberRow
from projections.registry import SCHEMA
from projections.views import VIEWS

FOUNDER, JOINED, ALONE = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    made = await asyncpg.connect(database)
    await ensure_generation(made, SCHEMA)
    yield made
    await made.close()


async def add_contacts(connection: Connection, schema: str) -> None:
    """Two contacts of one customer, and one of which nothing is known."""
    async with connection.transaction():
        await connection.execute(f"SET LOCAL search_path TO {schema}")
        contacts = [
            ContactRow("demo", one, "line", "oa1", f"U{number}", 1_780_000_000_123)
            for number, one in enumerate((FOUNDER, JOINED, ALONE))
        ]
        await save(connection, CONTACTS, contacts)
        members = [
            MemberRow("demo", "default", one, "", f"line:oa1:U{n}", FOUNDER, FOUNDER, True, False, "[]")  # noqa: FBT003 - a row
            for n, one in enumerate((FOUNDER, JOINED))
        ]
        await save(connection, MEMBERS, members)
        customer = CustomerRow(
            "demo", "default", FOUNDER, "line:oa1:U0", None, 2, "M1", "+886912345678", None, "[]", None
        )
        await save(connection, CUSTOMERS, [customer])


async def customers(connection: Connection) -> list[tuple[UUID, str | None, int]]:
    rows = await connection.fetch("SELECT customer_id, member_id, contacts FROM onefold_views.customers ORDER BY 1")
    return [tuple(row) for row in rows]


async def test_customers_have_also_contacts_without_evidence(connection: Connection) -> None:
    await add_contacts(connection, "g1")
    assert await customers(connection) == [(FOUNDER, "M1", 2), (ALONE, None, 1)]


async def test_a_customer_has_the_times_of_its_row_once_there_is_one(connection: Connection) -> None:
    await add_contacts(connection, "g1")
    values: list[Any] = ["demo", FOUNDER, "M1", None, None, None, False, 2, 0, 1_780_000_000_123]
    values += [1_780_000_000_300, None, 1_780_000_000_400, None, None, None, "{}", "{}", (), (), (), None, "[]", None]
    async with connection.transaction():
        await connection.execute("SET LOCAL search_path TO g1")
        await save(connection, CUSTOMER_ROWS, [CustomerSummaryRow(*values)])
        await connection.execute("UPDATE contacts SET last_customer_at = 1780000000200, last_team_at = 1780000000200")
    found = await connection.fetch(
        "SELECT customer_id, last_customer_at, last_team_at, last_marketing_at FROM onefold_views.customers ORDER BY 1"
    )
    at = [datetime.fromtimestamp(1_780_000_000 + tenths / 10, UTC) for tenths in (2, 3, 4)]
    assert [tuple(one) for one in found] == [(FOUNDER, at[1], None, at[2]), (ALONE, at[0], at[0], None)]


async def test_times_are_timestamps(connection: Connection) -> None:
    await add_contacts(connection, "g1")
    seen = await connection.fetchval("SELECT first_seen_at FROM onefold_views.contacts LIMIT 1")
    assert seen == datetime.fromtimestamp(1_780_000_000.123, UTC)


async def test_the_views_follow_the_active_generation_and_keep_their_grants(connection: Connection) -> None:
    await add_contacts(connection, "g1")
    await connection.execute("GRANT SELECT ON onefold_views.customers TO PUBLIC")
    await start_afresh(connection, await next_generation(connection), SCHEMA)
    assert await customers(connection) == []
    await add_contacts(connection, "g2")
    await connection.execute("DROP SCHEMA g1 CASCADE")
    assert await customers(connection) == [(FOUNDER, "M1", 2), (ALONE, None, 1)]
    granted = await connection.fetchval(
        "SELECT relacl::text FROM pg_class WHERE oid = 'onefold_views.customers'::regclass"
    )
    assert "=r/" in granted.replace("arwdDxt", "")


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: str(view.name))
async def test_each_view_answers_and_says_what_its_columns_mean(connection: Connection, view: View) -> None:
    name = f"onefold_views.{view.name}"
    await connection.fetch(f"SELECT * FROM {name}")
    without = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 "
        "AND col_description(attrelid, attnum) IS NULL",
        name,
    )
    assert without == []
    assert await connection.fetchval("SELECT obj_description($1::text::regclass)", name)


async def test_each_table_of_a_generation_has_a_comment(connection: Connection) -> None:
    without = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'g1'::regnamespace AND relkind = 'r' "
        "AND obj_description(oid) IS NULL AND relname <> 'offsets'"
    )
    assert without == []
