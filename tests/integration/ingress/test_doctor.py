"""`onefold sources doctor` against a service that runs, with something wrong or nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from typer.testing import CliRunner

from services.cli import app
from services.control.sources import add_source, change_source, disabled, own_source
from services.ingress.handlers.doctor import Finding, SourceUnderTest, examine
from services.runtime.secrets import open_sealed
from tests.support.ingress import MASTER, SECRETS, VERIFY_TOKEN, RunningIngress
from tests.support.polling import until


async def examined(ingress: RunningIngress, name: str, **changes: object) -> dict[str, Finding]:
    """What the doctor finds, by what was looked at; ``changes`` are what the doctor believes of the source.

    A service whose servers answer late, on a busy machine, is not ready for a moment: it looks again then.
    """
    source = await own_source(ingress.engine, name, None)
    token = VERIFY_TOKEN if source.channel == "meta" else None
    facts = {"source": source, "secrets": SECRETS, "verify_token": token} | changes
    async with asyncio.timeout(240):
        while True:
            results = await examine(SourceUnderTest(**facts), ingress.client)  # type: ignore[arg-type]
            found = {one.what: one for one in results}
            if "service reachable" not in found or found["service reachable"].state == "ok":
                return found


@pytest.mark.parametrize(("name", "looked_at"), [("shop-line", 6), ("shop-meta", 7)])
async def test_a_healthy_source_is_found_to_be_well_and_nothing_is_kept(
    ingress: RunningIngress, name: str, looked_at: int
) -> None:
    found = await examined(ingress, name)
    assert [what for what, finding in found.items() if finding.state != "ok"] == ["channel"]
    assert len(found) == looked_at
    assert await ingress.log() == []


async def test_other_secrets_than_the_service_has_are_noticed(ingress: RunningIngress) -> None:
    for name in ("shop-line", "shop-meta"):
        found = await examined(ingress, name, secrets=(SECRETS[0], b"another"))
        assert found["signature 1 of 2 accepted"].state == "ok"
        assert found["signature 2 of 2 accepted"].state == "failed"
        assert "other secrets" in found["signature 2 of 2 accepted"].advice


async def test_another_verify_token_or_none_is_noticed(ingress: RunningIngress) -> None:
    assert "verify token" in (await examined(ingress, "shop-meta", verify_token="another"))["handshake"].advice
    assert (await examined(ingress, "shop-meta", verify_token=None))["handshake"].state == "failed"


async def test_a_disabled_source_is_noticed(ingress: RunningIngress) -> None:
    await change_source(ingress.engine, "shop-line", None, disabled)
    found = await examined(ingress, "shop-line")
    assert "sources enable shop-line" in found["enabled"].advice
    assert found["signature 1 of 2 accepted"].state == "failed"


async def test_nothing_calls_a_website(ingress: RunningIngress) -> None:
    await add_source(ingress.engine, "site", tenant="acme", channel="web", account="shop", sealed_secrets=[])
    (finding,) = (await examined(ingress, "site")).values()
    assert finding.state == "unknown"


@pytest.fixture
async def served(ingress: RunningIngress) -> AsyncIterator[str]:
    """The address of the ingress, on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(ingress.app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(240):
        while not server.started:
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


async def test_the_command_shows_what_was_found_and_what_to_enter(
    ingress: RunningIngress, served: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONEFOLD_DATABASE", ingress.settings.database_url)
    monkeypatch.setenv("ONEFOLD_SECRET_KEY", MASTER)
    monkeypatch.setenv("COLUMNS", "250")

    async def doctor(*arguments: str) -> tuple[int, str]:
        result = await asyncio.to_thread(CliRunner().invoke, app, ("sources", "doctor", *arguments))
        assert not any(secret.decode() in result.output for secret in SECRETS)
        return result.exit_code, result.output

    text = ""

    async def is_well() -> bool:
        nonlocal text
        status, text = await doctor("shop-meta", "--url", served)
        return status == 0

    await until(is_well, 240, lambda: text)  # a service whose servers answer late is not ready for a moment
    assert "https://YOUR-HOST/webhooks/meta/shop-meta" in text
    assert VERIFY_TOKEN in text
    assert "messaging_postbacks" in text
    assert " NO " not in text
    status, text = await doctor("shop-line", "--url", "http://127.0.0.1:1")
    assert status == 1
    assert "nothing listens at its address. Start it (`onefold up`" in text
    assert "Webhook redelivery" in text
    assert (await doctor("nobody"))[0] == 1
    monkeypatch.setenv("ONEFOLD_SECRET_KEY", "another")
    status, text = await doctor("shop-line", "--url", served)
    assert status == 1
    assert "ONEFOLD_SECRET_KEY" in text


async def test_what_answers_may_be_something_else(ingress: RunningIngress) -> None:
    source = await own_source(ingress.engine, "shop-line", None)
    secrets = tuple(open_sealed(MASTER, sealed) for sealed in source.sealed_secrets)
    ingress.client.base_url = "http://ingress/v1"
    found = {one.what: one for one in await examine(SourceUnderTest(source, secrets, None), ingress.client)}
    assert "no Onefold" in found["service reachable"].advice
