"""A body that FastAPI reads is bounded before anybody's key is looked at."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from services.runtime import small_bodies
from services.runtime.api import keyed_router
from services.runtime.budget import Budget
from services.runtime.problems import add_problem_handlers
from services.runtime.small_bodies import MAX_SMALL_BODY

router = keyed_router("/v1", "test")


class Wish(BaseModel):
    text: str


@router.post("/wishes")
async def post_wish(wish: Wish) -> int:
    return len(wish.text)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(router)
    add_problem_handlers(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def pieces(size: int, *, stall: bool = False) -> AsyncIterator[bytes]:
    yield b'{"text":"' + b"x" * size
    if stall:
        await asyncio.sleep(60)
    yield b'"}'


async def test_a_body_within_the_limit_is_read_and_a_larger_one_is_not(client: httpx.AsyncClient) -> None:
    json = {"Content-Type": "application/json"}
    assert (await client.post("/v1/wishes", content=pieces(1000), headers=json)).json() == 1000
    assert (await client.post("/v1/wishes", content=pieces(MAX_SMALL_BODY), headers=json)).status_code == 413


async def test_a_body_that_stands_still_is_given_up(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_bodies, "_WITHIN", 0.05)
    assert (await client.post("/v1/wishes", content=pieces(10, stall=True))).status_code == 408


async def test_where_there_is_no_room_the_largest_body_gives_way(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(1000)
    monkeypatch.setattr(small_bodies, "_IN_FLIGHT", budget)
    large = asyncio.create_task(client.post("/v1/wishes", content=pieces(900, stall=True)))
    while budget.used < 900:  # until it has taken its room
        await asyncio.sleep(0)
    small = await client.post("/v1/wishes", content=pieces(200), headers={"Content-Type": "application/json"})
    assert small.json() == 200
    assert (await large).status_code == 503
