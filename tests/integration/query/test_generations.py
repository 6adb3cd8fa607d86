"""Which generation is read, and what is answered while none can be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import httpx
import pytest

from projections.engine.generation_records import ACTIVE, STANDBY, Horizon
from projections.engine.generations import (
    add_generation,
    all_generations,
    ensure_generation,
    exchange,
    next_generation,
    note_caught_up,
    start_afresh,
)
from projections.engine.paces import set_pace
from projections.registry import SCHEMA, schema_of
from services.control.keys import add_key
from services.query.adapters.read_models import PooledReadModels
from services.query.main import create_app
from services.query.ports import ReadModelsUnavailable
from services.runtime.http import NotReady
from services.runtime.settings import Settings
from tests.support.contact_records import event
from tests.support.identity_events import bound
from tests.support.read_api import MASTER, Brand, until_ready
from tests.support.servers import OwnPostgres

PATH = "/v1/contacts/line/oa1/U1"


async def test_a_cut_over_shows_within_moments_and_no_request_fails_meanwhile(brand: Brand) -> None:
    await brand.fold_contacts(event("contact.followed"))
    await start_afresh(brand.connection, await next_generation(brand.connection), SCHEMA)
    await brand.fold_contacts(event("contact.blocked"))
    async with asyncio.timeout(240):
        # Anything but 200 fails it. Nothing could tell when to ask again: that is what is tried here.
        while (await brand.json(PATH))["subscription"]["status"] == "subscribed":
            await asyncio.sleep(0.01)
    await brand.connection.execute("DROP SCHEMA g1 CASCADE")
    assert (await brand.json(PATH))["subscription"]["status"] == "blocked"


async def test_readers_see_no_error_and_no_mix_over_ten_exchanges(brand: Brand) -> None:
    """Each generation's rows name it, so that an answer with two names would be made of both."""
    events = [event("contact.followed"), event("profile.updated", 1, display_name="A")]
    await brand.fold(*events, bound("line:oa1:U1", link="line:oa1:U2"), bound("line:oa1:U2", member_id="M1"))
    await brand.connection.execute("UPDATE g1.timeline SET source = 'g1'; UPDATE g1.contacts SET display_name = 'g1'")
    await add_generation(brand.connection, await next_generation(brand.connection, takes_over=True), SCHEMA)
    for table in (one.name for one in SCHEMA.tables):
        await brand.connection.execute(f'INSERT INTO g2."{table}" OVERRIDING SYSTEM VALUE SELECT * FROM g1."{table}"')
    await brand.connection.execute("UPDATE g2.timeline SET source = 'g2'; UPDATE g2.contacts SET display_name = 'g2'")
    seen: set[str] = set()
    latest = ""
    ended = asyncio.Event()

    async def read() -> None:
        nonlocal latest
        while not ended.is_set():
            page = await brand.json(f"{PATH}/timeline")
            (source,) = {one["source"] for one in page["events"]}
            latest = (await brand.json(PATH))["profile"]["display_name"]
            seen.update({source, latest})

    readers = [asyncio.create_task(read()) for _ in range(4)]
    for following in ["g2", "g1"] * 5:
        async with brand.connection.transaction():
            (former,) = [one for one in await all_generations(brand.connection) if one.state == ACTIVE]
            await exchange(brand.connection, former, following, SCHEMA)
        async with asyncio.timeout(240):
            while latest != following and not any(one.done() for one in readers):
                await asyncio.sleep(0.01)
    ended.set()
    await asyncio.gather(*readers)
    assert seen == {"g1", "g2"}
    states = {one.name: one.state for one in await all_generations(brand.connection)}
    assert states == {"g1": ACTIVE, "g2": STANDBY}


async def test_generations_are_listed_for_keys_of_operators_alone(brand: Brand) -> None:
    assert (await brand.get("/v1/generations")).status_code == 403
    brand.keys["admin"] = await add_key(brand.engine, "demo", ["admin"])
    assert (await brand.get("/v1/generations", key="admin")).status_code == 403
    brand.keys["operator"] = await add_key(brand.engine, "demo", ["operator"])
    await add_generation(brand.connection, await next_generation(brand.connection, takes_over=True), SCHEMA)
    some = schema_of(["tags", "consents"])
    await add_generation(brand.connection, await next_generation(brand.connection, takes_over=True), some)
    await set_pace(brand.connection, "g2", 0.25)
    of_march = Horizon(as_of=datetime(2026, 3, 1, tzinfo=UTC))
    for complete in (False, True):
        past = await next_generation(brand.connection)
        await add_generation(brand.connection, past, SCHEMA, horizon=of_march)
        if complete:
            await note_caught_up(brand.connection, past.name)
    found = (await brand.json("/v1/generations", key="operator"))["generations"]
    assert (await brand.get("/v1/lag", key="admin")).status_code == 403
    lag = await brand.json("/v1/lag", key="operator")
    assert lag == {
        "contacts": None,
        "identity": None,
        "customer_rows": 0,
        "customer_rows_seconds": 0,
        "changes": 0,
        "changes_seconds": 0,
    }
    fields = ("name", "state", "readable", "folded", "read_models", "pace", "changes_topic")
    assert [tuple(one[field] for field in fields) for one in found] == [
        ("g1", "active", True, 0, None, None, "onefold.customer-changes"),
        ("g2", "building", True, 0, None, 0.25, "onefold.customer-changes"),
        ("g3", "building", False, 0, ["consents", "tags"], None, "onefold.customer-changes"),
        ("g4", "building", True, 0, None, None, None),
        ("g5", "past", True, 0, None, None, None),
    ]


async def test_without_a_generation_the_service_is_healthy_and_answers_503(database: str) -> None:
    app = create_app(Settings.model_validate({"database": database, "secret_key": MASTER}))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        assert (await client.get("/healthz")).status_code == 200
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        answer = await client.get(PATH, headers={"Authorization": "Bearer of_x"})
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
        assert int(answer.headers["retry-after"]) >= 1


async def test_a_generation_of_other_code_is_not_read_until_it_fits(brand: Brand) -> None:
    await brand.fold_contacts(event("contact.followed"))
    change_digest = "UPDATE onefold.generations SET schema_digest = $1"
    await brand.connection.execute(change_digest, "another")
    async with asyncio.timeout(240):
        while (await brand.client.get("/readyz")).status_code == 200:
            await asyncio.sleep(0.01)
    assert "onefold rebuild --swap" in (await brand.client.get("/readyz")).json()["checks"]["postgresql"]
    answer = await brand.get(PATH)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert (await brand.client.get("/healthz")).status_code == 200
    await brand.connection.execute(change_digest, SCHEMA.digest)
    await until_ready(brand.client)
    assert (await brand.json(PATH))["subscription"]["status"] == "subscribed"


async def test_the_service_recovers_when_postgresql_comes_back(own_postgres: OwnPostgres) -> None:
    settings = Settings.model_validate({"database": own_postgres.url, "secret_key": MASTER})
    connection = await asyncpg.connect(own_postgres.url)
    await ensure_generation(connection, SCHEMA)
    await connection.close()
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        await until_ready(client)
        await own_postgres.stop()
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get(PATH, headers={"Authorization": "Bearer of_x"})).status_code == 503
        await own_postgres.start()
        await until_ready(client)
        assert (await client.get(PATH, headers={"Authorization": "Bearer of_x"})).status_code == 401


@asynccontextmanager
async def reading(url: str, size: int, within: float = 60) -> AsyncIterator[PooledReadModels]:
    async with PooledReadModels(url, size=size, within=within) as read_models, asyncio.timeout(240):
        while True:
            try:
                await read_models.check()
                break
            except (NotReady, ReadModelsUnavailable):
                await asyncio.sleep(0.01)
        yield read_models


async def test_a_statement_that_takes_too_long_is_cancelled(brand: Brand) -> None:
    async def too_long() -> None:
        async with reading(brand.url, 1) as read_models, read_models.connection() as connection:
            assert await connection.fetchval("SHOW statement_timeout") == "5s"
            await connection.execute("SET statement_timeout = 50")
            await connection.execute("SELECT pg_sleep(5)")

    with pytest.raises(ReadModelsUnavailable) as away:
        await too_long()
    assert isinstance(away.value.__cause__, asyncpg.QueryCanceledError)


async def test_waiting_for_a_connection_times_out(brand: Brand) -> None:
    async with reading(brand.url, 1, within=2) as read_models, read_models.connection():
        with pytest.raises(ReadModelsUnavailable):
            async with read_models.connection():
                pass
