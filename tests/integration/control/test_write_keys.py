from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from services.cli import app
from services.control import registry as control
from services.control import write_keys


@pytest.fixture
async def db(database: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database)
    await control.add_tenant(connection, "acme")
    await control.add_tenant(connection, "other")
    yield connection
    await connection.close()


async def test_a_write_key_finds_its_site_until_it_is_revoked(db: Any) -> None:
    key = await write_keys.add_site(db, "shop-web", tenant="acme", account="shop")
    assert key.startswith("wk_")
    assert write_keys.may_be_one(key)
    site = await write_keys.find_site(db, control.hash_of(key))
    assert site == write_keys.WebSource("shop-web", "acme", "shop", None)
    revoked = await write_keys.revoke_write_key(db, key)
    assert (revoked.source, revoked.tenant, revoked.prefix) == ("shop-web", "acme", key[:9])
    assert revoked.revoked_at is not None
    assert await write_keys.find_site(db, control.hash_of(key)) is None
    assert await write_keys.list_write_keys(db, "acme") == [revoked]
    assert await write_keys.list_write_keys(db, "other") == []
    with pytest.raises(control.UnknownKey):
        await write_keys.revoke_write_key(db, key)


async def test_the_write_key_itself_is_nowhere_in_the_database(db: Any) -> None:
    key = await write_keys.add_site(db, "shop-web", tenant="acme", account="shop")
    rows = await db.fetch("SELECT write_keys::text AS row FROM onefold.write_keys")
    assert [key in row["row"] for row in rows] == [False]


async def test_a_site_that_can_not_be_has_no_write_key(db: Any) -> None:
    with pytest.raises(control.UnknownTenant):
        await write_keys.add_site(db, "shop-web", tenant="nobody", account="shop")
    with pytest.raises(control.InvalidName):
        await write_keys.add_site(db, "shop-web", tenant="acme", account="a:b")
    with pytest.raises(write_keys.UnknownSite):
        await write_keys.add_write_key(db, "shop-web")
    assert await control.list_sources(db) == []
    assert await write_keys.list_write_keys(db) == []


async def test_a_beginning_that_fits_two_keys_or_is_too_short_revokes_none(db: Any) -> None:
    await write_keys.add_site(db, "shop-web", tenant="acme", account="shop")
    await write_keys.add_write_key(db, "shop-web")
    await db.execute("UPDATE onefold.write_keys SET prefix = 'wk_sameXX'")
    for beginning in ("wk_sameXX", "wk_s", ""):
        with pytest.raises(control.UnknownKey):
            await write_keys.revoke_write_key(db, beginning)
    assert all(key.revoked_at is None for key in await write_keys.list_write_keys(db))


def test_the_command_line_does_all_of_it(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONEFOLD_DATABASE", database)
    monkeypatch.setenv("COLUMNS", "200")

    def onefold(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == status, result.output
        return result.output

    onefold("tenants", "add", "acme")
    site = ("sources", "add", "web", "shop-web", "--tenant", "acme", "--account", "shop")
    key = onefold(*site).strip().splitlines()[-1]
    assert key.startswith("wk_")
    assert "there is a source 'shop-web' already" in onefold(*site, status=1)
    assert "shop-web" in onefold("sources", "list")
    second = onefold("write-keys", "add", "shop-web").strip().splitlines()[-1]
    assert "no source 'shop'" in onefold("write-keys", "add", "shop", status=1)
    listed = onefold("write-keys", "list", "--tenant", "acme")
    assert key[:9] in listed
    assert second[:9] in listed
    assert key not in listed
    assert "is revoked" in onefold("write-keys", "revoke", key[:9])
    assert "no live write key" in onefold("write-keys", "revoke", key[:9], status=1)
