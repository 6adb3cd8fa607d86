"""`docker-compose.yml` as it comes up: its processes, from nothing to a message that readers see."""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import pytest

from services.embedded.ports import free_port
from services.runtime.errors import EXIT_INCOMPATIBLE
from services.vault.master_keys import new_master_key
from tests.support.compose import ROOT, Container, Machine, parsed_compose
from tests.support.polling import until
from tests.support.servers import OwnPostgres

PASSWORD = "p@ss/w#rd:%20 &?"
PUBLIC_URL = "https://cdp.example"
SHELL = {"ONEFOLD_SECRET_KEY": "c2VjcmV0/+=", "POSTGRES_PASSWORD": PASSWORD, "ONEFOLD_PUBLIC_URL": PUBLIC_URL}
_PORTS = {"ingress": "8080", "query": "8090"}
OURS = ("migrate", "ingress", "query", "worker")
MESSAGE = {
    "type": "message.received",
    "contact": {"channel": "web", "account": "shop", "uid": "visitor-1"},
    "occurred_at": 1_767_225_600_000,
    "data": {"message_id": "m1", "kind": "text", "text": "hello"},
}


@pytest.fixture
async def machine(kafka: str, own_postgres: OwnPostgres, tmp_path: Path) -> Machine:
    """Kafka, and an empty PostgreSQL with the password of the shell."""
    connection = await asyncpg.connect(own_postgres.url)
    await connection.execute("DROP SCHEMA onefold, onefold_keys CASCADE")
    await connection.execute(f"ALTER USER onefold PASSWORD '{PASSWORD}'")
    await connection.close()
    places = {"kafka:9092": kafka, "postgres:5432": own_postgres.url.rpartition("@")[2].partition("/")[0]}
    # Every container has a network of its own: here, each port of the file is another one, on this machine alone.
    places |= {port: str(free_port()) for port in ("8080", "8090", "8081")} | {"0.0.0.0": "127.0.0.1"}
    places["/run/secrets/master_keys"] = str(tmp_path / "master.keys")
    (tmp_path / "master.keys").write_text(new_master_key())
    return Machine(tmp_path, places)


@pytest.fixture
async def containers(machine: Machine) -> AsyncIterator[dict[str, Container]]:
    """Our services of the file, to be started; they are stopped in the end."""
    services = parsed_compose(SHELL)
    made = {name: Container(machine, name, services[name]) for name in OURS}
    yield made
    for container in made.values():
        if container.status is None and container.log.exists():
            container.stop()


def test_every_service_of_ours_is_started_here() -> None:
    assert {name for name, service in parsed_compose(SHELL).items() if service["image"] == "onefold"} == set(OURS)


def test_the_first_steps_make_all_that_the_file_needs() -> None:
    needed = re.findall(r"^#   (.+?) +# once", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE)
    assert len(needed) == 2
    for command in needed:
        assert command in (ROOT / "README.md").read_text()


def test_the_public_address_may_be_left_out() -> None:
    given = {name: value for name, value in SHELL.items() if name != "ONEFOLD_PUBLIC_URL"}
    assert all("ONEFOLD_PUBLIC_URL" not in parsed_compose(given)[name]["environment"] for name in OURS)


def test_the_secret_key_has_to_be_given() -> None:
    with pytest.raises(KeyError, match="ONEFOLD_SECRET_KEY"):
        parsed_compose({})


@pytest.mark.long
async def test_the_processes_come_up_as_the_file_has_them_and_wait_where_restarting_can_not_help(
    containers: dict[str, Container], machine: Machine, own_postgres: OwnPostgres
) -> None:
    await _bring_up(containers)
    await _a_message_comes_to_its_readers(containers, machine)
    assert PUBLIC_URL in containers["ingress"].exec("settings")
    for container in containers.values():
        assert container.written() == []
        assert container.name == "migrate" or container.stop() == 0

    await _have_read_models_of_other_code(own_postgres)
    worker = containers["worker"]
    worker.start()
    await until(lambda: _said(worker, "waiting_for_repair"), 240, worker.log.read_text)
    assert not await asyncio.to_thread(worker.is_healthy)
    assert worker.status is None
    assert await asyncio.to_thread(worker.stop) == EXIT_INCOMPATIBLE


async def _a_message_comes_to_its_readers(containers: dict[str, Container], machine: Machine) -> None:
    ingress = containers["ingress"]
    ingress.exec("tenants", "add", "demo")
    headers = {"Authorization": f"Bearer {ingress.exec('keys', 'add', 'demo', '--scope', 'admin').strip()}"}
    async with httpx.AsyncClient(headers=headers, timeout=60) as client:
        urls = {name: f"http://127.0.0.1:{machine.places[port]}" for name, port in _PORTS.items()}
        while (accepted := await client.post(f"{urls['ingress']}/v1/events", json=[MESSAGE])).status_code == 503:
            await asyncio.sleep(0.2)  # on a busy machine the first lookup may take longer than a webhook may wait
        assert accepted.status_code == 202, accepted.text

        for reader in ("query", "ingress"):
            contact = f"{urls[reader]}/v1/contacts/web/shop/visitor-1"
            await until(partial(_is_found, client, contact), 240, containers["worker"].log.read_text)


async def _have_read_models_of_other_code(own_postgres: OwnPostgres) -> None:
    connection = await asyncpg.connect(
        own_postgres.url.replace("onefold:", "ignored:"), user="onefold", password=PASSWORD
    )
    await connection.execute("UPDATE onefold.generations SET schema_digest = 'another'")
    await connection.close()


async def _bring_up(containers: dict[str, Container]) -> None:
    """Start the containers in the order of the file: first what has to complete."""
    migrate = containers["migrate"]
    migrate.start()
    assert await asyncio.to_thread(migrate.wait, 120) == 0, migrate.log.read_text()
    others = [container for name, container in containers.items() if name != "migrate"]
    for container in others:
        container.start()
    for container in others:
        await until(partial(asyncio.to_thread, container.is_healthy), 240, container.log.read_text, every=2)


async def _said(container: Container, word: str) -> bool:
    return word in container.log.read_text()


async def _is_found(client: httpx.AsyncClient, url: str) -> bool:
    return (await client.get(url)).status_code == 200
