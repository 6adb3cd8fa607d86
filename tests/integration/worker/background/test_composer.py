"""The composer as a worker runs it: what is missing of the customer rows comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from random import Random
from typing import Any

import asyncpg

from projections.customers.checking import ComparedCustomers, customer_rows
from projections.customers.composing import has_composed
from projections.customers.missing import lacking
from projections.customers.tables import COMPOSED_CHANGES, TABLES
from projections.engine.connection import Connection
from schemas.events import Event, Identifier
from services.runtime.cancelling import cancel_all
from services.worker.background.composer import Composer
from tests.support.identity_events import event
from tests.support.past import REGION, FoldedGeneration, whole_history
from tests.support.polling import until
from tests.support.searches import history
from tests.support.streams import id_of


async def test_rows_that_were_deleted_come_back_while_the_composer_runs_and_once_it_starts(
    database_with_read_models: str,
) -> None:
    connect = connecting(database_with_read_models)
    async with connect() as connection:
        await FoldedGeneration(connection, id_of).fold(whole_history(Random(3), 60, copies=True))
        found = []
        for _ in range(2):
            running = asyncio.create_task(Composer(connect, REGION, every=0.01, rest=0.001).run())
            for _ in range(2):
                found.append(await composed(connection))
                async with connection.transaction():
                    for table in TABLES:
                        await connection.execute(f"DELETE FROM {table.name}")
            await cancel_all(running)
    assert found[0].found == found[0].expected != {}
    assert found == [found[0]] * 4


async def test_any_table_that_was_emptied_comes_back_once_the_composer_starts(database_with_read_models: str) -> None:
    connect = connecting(database_with_read_models)
    async with connect() as connection:
        await FoldedGeneration(connection, id_of).fold([*history(Random(3), 60), *_one_address()])
        for table in (None, *TABLES):
            if table is not None:
                emptied = await connection.execute(f"DELETE FROM {table.name}")
                assert emptied != "DELETE 0" or table is COMPOSED_CHANGES, table.name
            running = asyncio.create_task(Composer(connect, REGION, every=0.01, rest=0.001).run())
            await until(partial(is_whole, connection), 240, f"{table} did not come back")
            await cancel_all(running)
            async with connection.transaction(isolation="repeatable_read"):
                assert await lacking(connection, "demo", REGION) is None


def _one_address() -> list[Event]:
    """Two contacts that are one address, so that it is counted once."""
    person = Identifier(type="whatsapp_user", value="p:TW.1")
    return [
        event(contact, "message.received", {"message_id": contact, "kind": "text"}, at=9).model_copy(
            update={"intrinsic": [person]}
        )
        for contact in ("whatsapp:n1:886911111111", "whatsapp:n1:TW.1")
    ]


def connecting(database: str) -> Callable[[], AbstractAsyncContextManager[Connection]]:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        opened = await asyncpg.connect(database, server_settings={"search_path": "g1"})
        try:
            yield opened
        finally:
            opened.terminate()

    return connect


async def is_whole(connection: Any) -> bool:
    async with connection.transaction(isolation="repeatable_read"):
        if not await has_composed(connection):
            return False
        found = await customer_rows(connection, ["demo"], REGION)
    assert len(found) % 2 == 0
    return found.expected != {} and found[0::2] == found[1::2]


async def composed(connection: Any) -> ComparedCustomers:
    """The rows, once nothing is left to do."""

    async def is_done() -> bool:
        async with connection.transaction(isolation="repeatable_read"):
            return await has_composed(connection)

    await until(is_done, 240, "the customer rows are not all made")
    async with connection.transaction(isolation="repeatable_read"):
        return await customer_rows(connection, ["demo"], REGION)
