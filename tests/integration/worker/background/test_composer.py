"""The composer as a worker runs it: what is missing of the customer rows comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import asyncpg

from projections.customers.checking import ComparedCustomers, customer_rows
from projections.customers.composing import has_composed
from projections.customers.tables import TABLES
from projections.engine.connection import Connection
from services.runtime.cancelling import cancel_all
from services.worker.background.composer import Composer
from tests.support.past import REGION, FoldedGeneration, whole_history
from tests.support.polling import until
from tests.support.streams import id_of


async def test_rows_that_were_deleted_come_back_while_the_composer_runs_and_once_it_starts(
    database_with_read_models: str,
) -> None:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        opened = await asyncpg.connect(database_with_read_models, server_settings={"search_path": "g1"})
        try:
            yield opened
        finally:
            opened.terminate()

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


async def composed(connection: Any) -> ComparedCustomers:
    """The rows, once nothing is left to do."""

    async def is_done() -> bool:
        async with connection.transaction(isolation="repeatable_read"):
            return await has_composed(connection)

    await until(is_done, 240, "the customer rows are not all made")
    async with connection.transaction(isolation="repeatable_read"):
        return await customer_rows(connection, ["demo"], REGION)
