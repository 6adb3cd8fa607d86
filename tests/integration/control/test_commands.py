import asyncio
import json
import re

import asyncpg
import pytest

from services.control.oidc_providers import find_provider
from services.control.sources import get_source
from services.runtime.database import open_engine
from services.runtime.errors import EXIT_INCOMPATIBLE
from services.runtime.secrets import open_sealed
from tests.integration.control.conftest import Onefold


def test_tenants_keys_and_sources_from_the_command_line(
    onefold: Onefold, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINE_SECRET", "s3cret")
    onefold("migrate")
    assert "onefold tenants add" in onefold("tenants", "list")
    onefold("tenants", "add", "acme", "--name", "A [b]ME", "--region", "HK")
    assert "there is a tenant 'acme' already" in onefold("tenants", "add", "acme", status=1)
    assert "A [b]ME" in onefold("tenants", "list")
    key = onefold("keys", "add", "acme", "--scope", "events:write", "--scope", "admin").strip().splitlines()[-1]
    assert key.startswith("of_")
    assert key[:9] in onefold("keys", "list", "--tenant", "acme")
    assert key not in onefold("keys", "list")
    assert "burst 200" in onefold("keys", "limit", key[:9], "--rate", "50", "--burst", "200")
    assert "50/s, burst 200" in onefold("keys", "list")
    assert "a rate is" in onefold("keys", "limit", key[:9], "--rate", "0", status=1)
    assert "the settings" in onefold("keys", "limit", key[:9])
    assert "Nothing of that was recorded" in onefold("audit", "acme")
    assert re.search(r"\d\d:\d\d +cli +audit +200", onefold("audit", "acme", "--key", "cli"))
    recorded = onefold("audit", "acme", "--json").splitlines()
    assert [json.loads(line)["route"] for line in recorded] == ["onefold audit"] * 2
    assert "no tenant 'nobody'" in onefold("audit", "nobody", status=1)
    assert "ISO 8601" in onefold("audit", "acme", "--since", "yesterday", status=1)
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
    assert "PostgreSQL can't be used: nothing listens" in onefold("tenants", "list", status=1)


def test_an_openid_provider_from_the_command_line(
    onefold: Onefold, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENT_SECRET", "s3cret")
    onefold("tenants", "add", "acme")
    facts = ("--issuer", "http://127.0.0.1:9", "--client-id", "c1", "--role", "admin=groups:it:staff")
    said = onefold("console", "oidc", "set", "acme", *facts, "--secret-env", "CLIENT_SECRET", "--ask", "IT")
    assert "/console/oidc/callback" in said
    assert "nobody can sign in yet" in said
    shown = onefold("console", "oidc", "show", "acme")
    assert "groups: it:staff" in shown
    assert "s3cret" not in shown
    assert asyncio.run(_client_secret(database)) == b"s3cret"
    for wrong in (("--role", "boss=groups:x"), ("--role", "admin"), ("--issuer", "http://login.example.com")):
        onefold("console", "oidc", "set", "acme", *facts, *wrong, status=1)
    onefold("console", "oidc", "set", "nobody", *facts, status=1)
    onefold("console", "oidc", "remove", "acme")
    for command in ("show", "remove"):
        assert "no OpenID provider" in onefold("console", "oidc", command, "acme", status=1)


def test_a_link_leads_to_where_the_console_is_served(onefold: Onefold, monkeypatch: pytest.MonkeyPatch) -> None:
    onefold("tenants", "add", "acme")
    for variable, address in (("ONEFOLD_URL", "http://127.0.0.1:18080"), ("ONEFOLD_PUBLIC_URL", "https://o.example")):
        monkeypatch.setenv(variable, address)
        assert f"{address}/console/link/" in onefold("console", "link", "acme")
    assert "http://h:1/console/link/" in onefold("console", "link", "acme", "--url", "http://h:1/")


async def _client_secret(database: str) -> bytes:
    async with open_engine(database) as engine:
        found = await find_provider(engine, "acme")
        assert found is not None
        assert found.sealed_secret is not None
        return open_sealed("master", found.sealed_secret)


def test_a_database_without_control_tables_is_told_to_migrate(
    onefold: Onefold, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEFOLD_DATABASE", database.rsplit("/", 1)[0] + "/postgres")
    assert "run `onefold migrate`" in onefold("tenants", "list", status=1)


def test_read_models_of_other_code_are_refused_by_command_until_they_are_begun_afresh(
    onefold: Onefold, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    onefold("migrate")

    async def change_digest() -> None:
        connection = await asyncpg.connect(database)
        await connection.execute("UPDATE onefold.generations SET schema_digest = 'another'")
        await connection.close()

    asyncio.run(change_digest())
    assert "Run `onefold rebuild --swap`" in onefold("migrate", status=EXIT_INCOMPATIBLE)
    with monkeypatch.context() as patch:
        patch.setenv("ONEFOLD_KAFKA", "127.0.0.1:1")  # it is not asked
        assert "Run `onefold rebuild --swap`" in onefold("verify", status=EXIT_INCOMPATIBLE)
    assert "g2 is empty" in onefold("migrate", "--fresh")
    assert "read models are g2" in onefold("migrate")


def test_write_keys_from_the_command_line(onefold: Onefold) -> None:
    onefold("tenants", "add", "acme")
    site = ("sources", "add", "web", "shop-web", "--tenant", "acme", "--account", "shop")
    printed = onefold(*site)
    public, server = (re.search(rf"\b{start}\S+", printed) for start in ("wk_", "wsk_"))
    assert public
    assert server
    assert "all that comes with it is a claim" in printed
    assert "keep it secret" in printed
    assert 'hmac.new(LOGIN_SECRET.encode(), USER_ID.encode(), "sha256").hexdigest()' in printed
    assert "there is a source 'shop-web' already" in onefold(*site, status=1)
    assert "shop-web" in onefold("sources", "list")
    second = onefold("write-keys", "add", "shop-web").strip().splitlines()[-1]
    third = onefold("write-keys", "add", "shop-web", "--kind", "server").strip().splitlines()[-1]
    assert (second[:3], third[:4]) == ("wk_", "wsk_")
    assert "no source 'shop'" in onefold("write-keys", "add", "shop", status=1)
    rows = [line.split() for line in onefold("write-keys", "list", "--tenant", "acme").splitlines()[1:]]
    assert sorted((row[0], row[1]) for row in rows) == sorted(
        [(public[0][:9], "public"), (server[0][:9], "server"), (second[:9], "public"), (third[:9], "server")]
    )
    assert "is revoked" in onefold("write-keys", "revoke", public[0][:9])
    assert "no live write key" in onefold("write-keys", "revoke", public[0][:9], status=1)


def test_login_secrets_from_the_command_line(onefold: Onefold, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGIN_SECRET", "a login secret of our own")
    monkeypatch.setenv("SHORT", "too short")
    onefold("tenants", "add", "acme")
    add = ("sources", "add", "web", "shop-web", "--tenant", "acme", "--account", "shop")
    assert "16 to 1024 bytes" in onefold(*add, "--secret-env", "SHORT", status=1)
    assert "--sender" in onefold(*add, "--sender", "42=bot", status=1)
    printed = onefold(*add, "--secret-env", "LOGIN_SECRET", "--signed-logins", "required", "--rate", "5")
    assert "a login secret of our own" not in printed
    shown = onefold("sources", "show", "shop-web")
    assert re.search("signed logins +required", shown)
    assert re.search("rate +5 a second", shown)
    found = re.search(r"^[\w-]{43}$", onefold("sources", "rotate", "shop-web"), re.MULTILINE)
    assert found
    new = found[0]
    assert asyncio.run(_secrets_of(database, "shop-web")) == [b"a login secret of our own", new.encode()]
    assert "logins signed with 1 secret" in onefold("sources", "rotate", "shop-web", "--drop-old")
    onefold("sources", "change", "shop-web", "--signed-logins", "optional")
    shown = onefold("sources", "show", "shop-web")
    assert re.search("signed logins +optional", shown)
    assert re.search("rate +5 a second", shown), "what is left out stays"
    line = ("sources", "add", "line", "oa", "--tenant", "acme", "--secret-env", "SHORT")
    assert "for websites" in onefold(*line, "--signed-logins", "required", status=1)
    onefold(*line)
    assert "for websites" in onefold("sources", "change", "oa", "--signed-logins", "required", status=1)


async def _secrets_of(database: str, name: str) -> list[bytes]:
    async with open_engine(database) as engine:
        source = await get_source(engine, name)
    assert source is not None
    return [open_sealed("master", sealed) for sealed in source.sealed_secrets]
