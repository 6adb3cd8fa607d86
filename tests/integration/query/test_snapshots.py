"""An answer is of one moment, whatever is committed between the statements that it takes."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import asyncpg
import pytest

from projections.engine.connection import Connection
from services.query.adapters.single_connection import SingleConnection
from services.query.core.timelines import TimelineQuery
from services.query.handlers.customer_lookup import CustomerLookup
from services.query.handlers.reader import CustomerReader
from services.runtime.settings import Settings
from tests.support.read_api import NOW, Brand
from tests.support.worked_example import (
    ANOTHER_LOGS_IN,
    BINDS,
    FOLLOWS,
    LOGS_IN,
    WRITES,
)

Meanwhile = Callable[[], Awaitable[None]]


class Interrupted:
    """A connection; between any two of its statements something is committed on another."""

    def __init__(self, connection: Connection, meanwhile: Meanwhile) -> None:
        self._connection = connection
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, *args: Any) -> Any:
        found = await self._connection.fetch(*args)
        await self._meanwhile()
        return found


ASKED = {
    "customer": lambda reader: reader.customer("demo", "phone:+886911111111", NOW),
    "contacts": lambda reader: reader.contacts("demo", "phone:+886911111111", NOW),
    "timeline": lambda reader: reader.customer_timeline("demo", "phone:+886911111111", TimelineQuery(50)),
}


@pytest.mark.parametrize("asked", ASKED)
async def test_an_answer_is_of_one_moment_while_a_customer_is_split(
    brand: Brand, settings: Settings, asked: str
) -> None:
    await brand.fold(FOLLOWS, LOGS_IN, BINDS, WRITES)
    to_come = [ANOTHER_LOGS_IN]  # of another member with the same phone

    async def something_happens() -> None:
        if to_come:
            await brand.fold(to_come.pop(0))

    async def nothing_happens() -> None:
        return

    connection = await asyncpg.connect(settings.database_url, server_settings={"search_path": "g1"})
    try:
        quiet, interrupted = (
            CustomerReader(
                SingleConnection(cast("Connection", Interrupted(connection, meanwhile))), CustomerLookup.of(settings)
            )
            for meanwhile in (nothing_happens, something_happens)
        )
        before = await ASKED[asked](quiet)
        assert await ASKED[asked](interrupted) == before
        assert not to_come
    finally:
        await connection.close()
