"""The composer keeps its lock while it gives way to contacts that are behind the log."""

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest

from services.worker.background.composer import Composer
from services.worker.core import composing_pace
from tests.support.identity_events import event
from tests.support.past import REGION, FoldedGeneration
from tests.support.polling import until
from tests.support.streams import id_of


async def test_it_composes_after_a_rest_that_is_longer_than_a_connection_may_be_silent(
    database_with_read_models: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composing_pace, "_GIVES_WAY", 8.0)
    session = {"search_path": "g1", "idle_session_timeout": "5000"}  # ms; the machine may be busy for a while
    connected: list[Any] = []

    @asynccontextmanager
    async def connect() -> Any:
        connected.append(await asyncpg.connect(database_with_read_models, server_settings=session))
        try:
            yield connected[-1]
        finally:
            connected[-1].terminate()

    reader = await asyncpg.connect(database_with_read_models, server_settings={"search_path": "g1"})
    await FoldedGeneration(reader, id_of).fold([event("line:oa1:U1", "contact.followed", {}, at=1)])
    task = asyncio.create_task(Composer(connect, REGION, lambda: 60.0, every=0.2).run())

    async def is_made() -> bool:
        return bool(await reader.fetchval("SELECT count(*) FROM customer_rows"))

    try:
        await until(is_made, 240, "no row of a customer is made")
        assert len(connected) == 1
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await reader.close()
