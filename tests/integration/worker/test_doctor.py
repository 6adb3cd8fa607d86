"""The doctor on real servers: an installation that works, and one with everything that can be wrong with it."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from services.cli import app
from services.control.sources import add_source
from services.control.tenants import add_tenant
from services.embedded.service_processes import environment
from services.runtime.database import open_engine
from services.runtime.secrets import seal
from services.runtime.settings import Settings
from tests.support.polling import until
from tests.support.workload import workload
from tests.support.worlds import World

pytestmark = pytest.mark.kafka
SECRET = "a channel's secret"


async def states(settings: Settings, *, status: int) -> dict[tuple[str, str], str]:
    """The state of each check, by area and name."""
    result = await onefold(settings, "--json")
    assert result.exit_code == status, result.output
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return {(one["area"], one["check"]): one["state"] for one in found}


async def onefold(settings: Settings, *arguments: str) -> Any:
    env = environment(settings)
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["doctor", *arguments], env=env))


async def test_an_installation_that_works_has_no_problem(world: World) -> None:
    worker = world.start_worker()
    await world.produce(workload(100, 20, seed=4))
    await world.settle()
    settings = world.settings.model_copy(update={"worker_port": worker.settings.worker_port})
    await until(partial(_has_no_problem, settings), 240, lambda: world.output)
    found = await states(settings, status=0)
    assert {state for (area, _), state in found.items() if area in ("tables", "workers")} <= {"ok", "warning"}
    assert found["topics", world.topic] == "ok"
    assert found["workers", "running"] == found["workers", "lag"] == found["processes", "worker"] == "ok"
    for check in ("version", "encoding", "permissions", "clock"):
        assert found["PostgreSQL", check] == "ok"


async def _has_no_problem(settings: Settings) -> bool:
    return bool((await onefold(settings)).exit_code == 0)


async def test_what_is_wrong_is_found_and_no_secret_is_shown(world: World) -> None:
    await world.produce(workload(100, 20, seed=4))
    async with open_engine(world.settings.database_url) as engine:
        await add_tenant(engine, "shop")
        for name, secrets in {"bare": [], "sealed": [seal("another master key", SECRET.encode())]}.items():
            await add_source(engine, name, tenant="shop", channel="line", account=name, sealed_secrets=secrets)
    await world.configure_log("retention.ms", "1000000")
    found = await states(world.settings, status=1)
    wrong = {place for place, state in found.items() if state == "failed"}
    assert wrong == {
        ("tables", "sources"),
        ("tables", "secret key"),
        ("topics", world.topic),
        ("workers", "running"),
        ("workers", "lag"),
    }
    output = (await onefold(world.settings, "--all")).output
    for secret in (SECRET, world.settings.master_key, world.settings.database_url):
        assert secret not in output


async def test_a_generation_that_was_not_restored_is_found(world: World) -> None:
    async with world.connection() as connection:
        await connection.execute("DROP SCHEMA g1 CASCADE")
    found = await states(world.settings, status=1)
    assert found["tables", "generation"] == "failed"
    assert found["Kafka", "version"] == "ok"
    assert ("Kafka", "reachable") not in found


async def test_servers_that_are_away_fail_their_own_checks_alone(world: World) -> None:
    away = {"database": "postgresql://u:hidden-word@127.0.0.1:1/d", "kafka": "127.0.0.1:1"}
    settings = world.settings.model_copy(update=away | {"secret_key": SecretStr("k" * 32)})
    found = await states(settings, status=1)
    assert found["PostgreSQL", "reachable"] == found["Kafka", "reachable"] == "failed"
    assert found["settings", "ONEFOLD_SECRET_KEY"] == "ok"
    assert "hidden-word" not in (await onefold(settings, "--all")).output


async def test_a_setting_that_is_wrong_is_named_without_its_value() -> None:
    result = await asyncio.to_thread(
        lambda: CliRunner().invoke(app, ["doctor"], env={"ONEFOLD_PORT": "hidden-word", "ONEFOLD_KAFKA": ""})
    )
    assert result.exit_code == 2
    assert "ONEFOLD_PORT" in result.stderr
    assert "hidden-word" not in result.output
