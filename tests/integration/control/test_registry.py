import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from typer.testing import CliRunner

from projections.migrations.upgrade import config_for
from services.cli import app
from services.control import registry as control
from services.control.auth import Authenticator
from services.runtime.problems import Problem
from services.runtime.secrets import open_sealed


@pytest.fixture
async def db(database: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database)
    await control.add_tenant(connection, "acme", name="ACME 公司")
    yield connection
    await connection.close()


async def test_migrating_again_and_at_once_changes_nothing(database: str) -> None:
    await asyncio.gather(*(control.migrate(database) for _ in range(3)))
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT count(*) FROM onefold.schema_version") == 1
    await connection.close()


async def test_the_migrations_make_what_the_tables_say(database: str) -> None:
    """Raises when autogenerate finds a difference."""
    await asyncio.to_thread(command.check, config_for(database))


async def test_migrating_needs_no_current_directory(database: str, tmp_path: Path) -> None:
    code = "import asyncio, sys; from services.control.registry import migrate; asyncio.run(migrate(sys.argv[1]))"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, database], cwd=tmp_path, env=environment, check=True
    )


async def test_only_one_generation_is_active(db: Any) -> None:
    insert = "INSERT INTO onefold.generations (name, state) VALUES ($1, $2)"
    await db.execute(insert, "g7", "active")
    await db.execute(insert, "g8", "building")
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(insert, "g9", "active")
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(insert, "g9", "asleep")


async def test_a_tenant_is_there_once(db: Any) -> None:
    with pytest.raises(control.NameTaken):
        await control.add_tenant(db, "acme")
    (tenant,) = await control.list_tenants(db)
    assert (tenant.tenant, tenant.name, tenant.default_region) == ("acme", "ACME 公司", "TW")


@pytest.mark.parametrize("name", ["", "ACME", "a b", "a|b", "-a", "a" * 64, "a\n"])
async def test_a_name_that_keys_could_not_hold_is_refused(db: Any, name: str) -> None:
    with pytest.raises(control.InvalidName):
        await control.add_tenant(db, name)


@pytest.mark.parametrize("region", ["", "tw", "TWN", "\uff34\uff37"])
async def test_a_region_is_two_capital_letters(db: Any, region: str) -> None:
    with pytest.raises(control.InvalidName):
        await control.add_tenant(db, "b", region=region)


async def test_a_key_is_found_by_its_hash_until_it_is_revoked(db: Any) -> None:
    key = await control.add_key(db, "acme", ["events:write"], name="web")
    assert key.startswith("of_")
    assert len(key) == 46
    found = await control.find_key(db, control.hash_of(key))
    assert found is not None
    assert (found.tenant, found.scopes, found.name, found.prefix) == ("acme", ("events:write",), "web", key[:9])
    revoked = await control.revoke_key(db, key[:9])
    assert revoked.revoked_at is not None
    assert await control.find_key(db, control.hash_of(key)) is None
    assert [known.revoked_at is None for known in await control.list_keys(db, "acme")] == [False]
    with pytest.raises(control.UnknownKey):
        await control.revoke_key(db, key)


async def test_the_key_itself_is_nowhere_in_the_database(db: Any) -> None:
    key = await control.add_key(db, "acme", ["admin"])
    rows = await db.fetch("SELECT keys::text AS row FROM onefold.keys")
    assert not any(key in row["row"] for row in rows)


async def test_a_beginning_that_fits_two_keys_revokes_neither(db: Any) -> None:
    for _ in range(2):
        await control.add_key(db, "acme", ["admin"])
    await db.execute("UPDATE onefold.keys SET prefix = 'of_sameXX'")
    with pytest.raises(control.UnknownKey):
        await control.revoke_key(db, "of_sameXX")
    assert all(key.revoked_at is None for key in await control.list_keys(db))


@pytest.mark.parametrize("scopes", [[], ["events:read"], ["admin", "root"]])
async def test_a_key_has_scopes_that_there_are(db: Any, scopes: list[str]) -> None:
    with pytest.raises(control.InvalidName):
        await control.add_key(db, "acme", scopes)


async def test_a_key_of_nobody_is_refused(db: Any) -> None:
    with pytest.raises(control.UnknownTenant):
        await control.add_key(db, "nobody", ["admin"])


async def _add_source(db: Any, **changes: Any) -> None:
    facts: dict[str, Any] = {
        "source": "oa1",
        "tenant": "acme",
        "channel": "line",
        "account": "@acme",
        "sealed_secrets": [b"\x00x"],
    }
    facts |= changes
    await control.add_source(db, facts.pop("source"), **facts)


async def test_a_source_is_kept_as_it_was_added(db: Any) -> None:
    await _add_source(db, provider="p1")
    source = await control.get_source(db, "oa1")
    assert source is not None
    assert (source.tenant, source.channel, source.account, source.provider) == ("acme", "line", "@acme", "p1")
    assert source.sealed_secrets == (b"\x00x",)
    assert await control.list_sources(db, "acme") == [source]
    assert await control.list_sources(db, "other") == []
    assert await control.get_source(db, "oa2") is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({}, control.NameTaken),
        ({"source": "oa2", "tenant": "nobody"}, control.UnknownTenant),
        ({"source": "oa/2"}, control.InvalidName),
        ({"source": "oa2", "account": "a:b"}, control.InvalidName),
        ({"source": "oa2", "channel": "telegram"}, control.InvalidName),
    ],
)
async def test_a_source_that_can_not_be_is_refused(
    db: Any, changes: dict[str, Any], error: type[control.ControlError]
) -> None:
    await _add_source(db)
    with pytest.raises(error):
        await _add_source(db, **changes)


async def test_a_key_opens_what_its_scopes_say(db: Any) -> None:
    authenticator = Authenticator(db)
    key = await control.add_key(db, "acme", ["events:write"])
    admin = await control.add_key(db, "acme", ["admin"])
    assert (await authenticator.principal(f"Bearer {key}", "events:write")).tenant == "acme"
    assert (await authenticator.principal(f"bearer  {admin}", "events:write")).tenant == "acme"
    with pytest.raises(Problem) as refused:
        await authenticator.principal(f"Bearer {key}", "customers:read")
    assert refused.value.kind.status == 403


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic of_abc", "Bearer of_unknown", "Bearer x", "Bearer of_\udcff", "of_abc"],
)
async def test_without_a_known_key_nothing_opens(db: Any, header: str | None) -> None:
    with pytest.raises(Problem) as refused:
        await Authenticator(db).principal(header, "events:write")
    assert refused.value.kind.status == 401
    assert "WWW-Authenticate" in (refused.value.headers or {})


async def test_a_revoked_key_stops_within_seconds(db: Any) -> None:
    authenticator = Authenticator(db)
    key = await control.add_key(db, "acme", ["admin"])
    await authenticator.principal(f"Bearer {key}", "admin")
    await control.revoke_key(db, key)
    await asyncio.sleep(2.1)
    with pytest.raises(Problem):
        await authenticator.principal(f"Bearer {key}", "admin")


def test_the_command_line_does_all_of_it(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONEFOLD_DATABASE", database)
    monkeypatch.setenv("ONEFOLD_SECRET_KEY", "master")
    monkeypatch.delenv("ONEFOLD_KAFKA", raising=False)
    monkeypatch.setenv("LINE_SECRET", "s3cret")
    monkeypatch.setenv("COLUMNS", "200")

    def onefold(*arguments: str, status: int = 0, stdin: str | None = None) -> str:
        result = CliRunner().invoke(app, arguments, input=stdin)
        assert result.exit_code == status, result.output
        return result.output

    onefold("migrate")
    onefold("tenants", "add", "acme", "--name", "A [b]ME", "--region", "HK")
    assert "there is a tenant 'acme' already" in onefold("tenants", "add", "acme", status=1)
    assert "A [b]ME" in onefold("tenants", "list")
    key = onefold("keys", "add", "acme", "--scope", "events:write", "--scope", "admin").strip().splitlines()[-1]
    assert key.startswith("of_")
    assert key[:9] in onefold("keys", "list", "--tenant", "acme")
    assert key not in onefold("keys", "list")
    onefold("keys", "revoke", key[:9])
    line = ("sources", "add", "line")
    facts = ("--tenant", "acme", "--account", "oa1", "--provider", "p1")
    assert "/webhooks/line/shop" in onefold(*line, "shop", *facts, "--secret-env", "LINE_SECRET")
    onefold(*line, "shop2", *facts, "--secret-stdin", stdin="one\ntwo\n")
    assert "never as an argument" in onefold(*line, "shop3", *facts, status=1)
    assert "NOT_SET" in onefold(*line, "shop3", *facts, "--secret-env", "NOT_SET", status=1)
    assert "no tenant 'nobody'" in onefold(
        *line, "x", "--tenant", "nobody", *facts[2:], "--secret-env", "HOME", status=1
    )
    assert "shop2" in onefold("sources", "list")
    assert asyncio.run(_secrets_of(database, "shop2")) == [b"one", b"two"]
    monkeypatch.setenv("ONEFOLD_DATABASE", "postgresql://127.0.0.1:1/none")
    assert "can't be reached" in onefold("tenants", "list", status=1)


async def _secrets_of(database: str, name: str) -> list[bytes]:
    connection = await asyncpg.connect(database)
    source = await control.get_source(connection, name)
    await connection.close()
    assert source is not None
    return [open_sealed("master", sealed) for sealed in source.sealed_secrets]
