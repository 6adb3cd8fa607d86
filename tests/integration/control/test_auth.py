import asyncio
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.control.auth import Authenticator
from services.control.keys import add_key, find_key, revoke_key
from services.runtime.database import open_engine
from services.runtime.problems import Problem
from tests.support.keys import a_guard, admitted
from tests.support.polling import until


async def test_a_key_permits_what_its_scopes_say(engine: AsyncEngine) -> None:
    authenticator = Authenticator(partial(find_key, engine), 60, a_guard())
    key = await add_key(engine, "acme", ["events:write"])
    admin = await add_key(engine, "acme", ["admin"])
    assert (await admitted(authenticator, f"Bearer {key}", "events:write")).tenant == "acme"
    assert (await admitted(authenticator, f"bearer  {admin}", "events:write")).tenant == "acme"
    with pytest.raises(Problem) as refused:
        await admitted(authenticator, f"Bearer {key}", "customers:read")
    assert refused.value.kind.status == 403


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic of_abc", "Bearer of_unknown", "Bearer x", "Bearer of_\udcff", "of_abc"],
)
async def test_a_request_without_a_known_key_is_refused(engine: AsyncEngine, header: str | None) -> None:
    with pytest.raises(Problem) as refused:
        await admitted(Authenticator(partial(find_key, engine), 60, a_guard()), header, "events:write")
    assert refused.value.kind.status == 401
    assert "WWW-Authenticate" in (refused.value.headers or {})


async def test_a_revoked_key_stops_working_once_its_cached_answer_is_old(engine: AsyncEngine) -> None:
    now = 0.0
    authenticator = Authenticator(partial(find_key, engine), 60, a_guard(), clock=lambda: now)
    key = await add_key(engine, "acme", ["admin"])
    await admitted(authenticator, f"Bearer {key}", "admin")
    await revoke_key(engine, key)
    now = 1.9
    await admitted(authenticator, f"Bearer {key}", "admin")
    now = 2.0
    with pytest.raises(Problem):
        await admitted(authenticator, f"Bearer {key}", "admin")


@pytest.mark.parametrize("path", [":1/none", "/none"])
async def test_without_a_database_it_answers_that_the_database_is_unavailable(database: str, path: str) -> None:
    server = "postgresql://127.0.0.1" if path.startswith(":") else database.rsplit("/", 1)[0]
    async with open_engine(server + path) as engine:
        with pytest.raises(Problem) as refused:
            await admitted(Authenticator(partial(find_key, engine), 60, a_guard()), "Bearer of_x", "admin")
    assert refused.value.kind.status == 503


async def test_connections_that_the_server_closed_are_replaced(engine: AsyncEngine, database: str) -> None:
    authenticators = [Authenticator(partial(find_key, engine), 60, a_guard()) for _ in range(2)]
    key = await add_key(engine, "acme", ["admin"])
    async with engine.connect() as used:
        connection_of_the_driver = (await used.get_raw_connection()).driver_connection
    assert connection_of_the_driver is not None
    await admitted(authenticators[0], f"Bearer {key}", "admin")
    async with open_engine(database, name="the one that stays") as other, other.begin() as connection:
        await connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'onefold' AND datname = current_database()"
        )
    await until(lambda: asyncio.sleep(0, connection_of_the_driver.is_closed()), 240, "it was not closed")
    assert (await admitted(authenticators[1], f"Bearer {key}", "admin")).tenant == "acme"
