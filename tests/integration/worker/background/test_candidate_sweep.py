"""The sweep finds candidates by itself, again after each change, and in one worker at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from projections.candidates.store import lock_sweep
from projections.engine.connection import Connection
from services.runtime.database import BY_KEY
from services.runtime.settings import Settings
from services.worker.background.candidate_sweep import CandidateSweep
from tests.support.identity_events import bound, event, stated
from tests.support.read_api import MASTER, Brand, open_brand

A, B, C, D = (f"crm:main:{name}" for name in "abcd")
TWO_MEMBERS = [
    one
    for number, pair in enumerate([(A, B), (C, D)])
    for member, contact in enumerate(pair)
    for one in (
        stated(contact, member_id=f"M{number}{member}"),
        bound(contact, phone=f"+88691234567{number}"),
    )
]


@pytest.fixture
async def brand(database_with_read_models: str) -> AsyncIterator[Brand]:
    async with open_brand(Settings(database=database_with_read_models, secret_key=SecretStr(MASTER))) as made:
        yield made


async def until_listed(brand: Brand, *signs: list[str]) -> None:
    """Wait until the list has pairs with these signs, in this order."""
    async with asyncio.timeout(240):
        found: list[Any] = []
        while [[sign["sign"] for sign in one["signs"]] for one in found] != list(signs):
            found = (await brand.json("/v1/identity/candidates"))["candidates"]
            await asyncio.sleep(0.02)


def sweep_of(brand: Brand) -> CandidateSweep:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(brand.url, server_settings=BY_KEY | {"search_path": "g1"})
        try:
            yield connection
        finally:
            connection.terminate()

    return CandidateSweep(connect, every=0.02, page=1, rest=lambda *_: 0.0)


@asynccontextmanager
async def running(*sweeps: CandidateSweep) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one.run()) for one in sweeps]
    try:
        yield
        assert not any(one.done() for one in tasks)
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def moved(brand: Brand) -> None:
    """Move the offsets, as a worker does that has folded something."""
    await brand.connection.execute(
        "INSERT INTO offsets (topic, partition, next_offset) VALUES ('t', 0, 1)"
        " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = offsets.next_offset + 1"
    )


async def test_the_list_follows_the_read_models(brand: Brand) -> None:
    async with running(sweep_of(brand), sweep_of(brand)):
        await brand.fold(*TWO_MEMBERS[:4])
        await moved(brand)
        await until_listed(brand, ["phone"])
        await brand.fold(*TWO_MEMBERS[4:])
        await moved(brand)
        await until_listed(brand, ["phone"], ["phone"])
        await brand.fold(*(event(one, "profile.updated", {"display_name": "Ann Wu"}) for one in (A, B)))
        await moved(brand)
        await until_listed(brand, ["phone", "name"], ["phone"])


async def test_who_does_not_hold_the_lock_sweeps_nothing(brand: Brand) -> None:
    await brand.fold(*TWO_MEMBERS)
    assert await lock_sweep(brand.connection)
    async with running(sweep_of(brand)):
        await asyncio.sleep(0.3)
        assert (await brand.json("/v1/identity/candidates"))["compared_at"] is None
        await brand.connection.execute("SELECT pg_advisory_unlock_all()")
        await until_listed(brand, ["phone"], ["phone"])
