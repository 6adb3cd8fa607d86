from dataclasses import replace

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.control import write_keys
from services.control.errors import InvalidName, UnknownKey, UnknownSite, UnknownTenant
from services.control.keys import hash_of
from services.control.sites import connect_site
from services.control.source_options import SourceOptions
from services.control.source_service import SourceDraft, SourceService
from services.control.sources import list_sources
from services.ingress.adapters.sources import ControlPlaneSites
from services.runtime.secrets import open_sealed


async def test_a_write_key_finds_its_website_until_it_is_revoked(engine: AsyncEngine) -> None:
    key = await write_keys.add_site(engine, "shop-web", tenant="acme", account="shop")
    assert key.startswith("wk_")
    assert write_keys.may_be_write_key(key)
    site = await write_keys.find_site(engine, hash_of(key))
    assert site == write_keys.WebSource("shop-web", "acme", "shop", "public", SourceOptions(), ())
    revoked = await write_keys.revoke_write_key(engine, key)
    assert (revoked.source, revoked.tenant, revoked.prefix) == ("shop-web", "acme", key[:9])
    assert revoked.revoked_at is not None
    assert await write_keys.find_site(engine, hash_of(key)) is None
    assert await write_keys.list_write_keys(engine, "acme") == [revoked]
    assert await write_keys.list_write_keys(engine, "other") == []
    with pytest.raises(UnknownKey):
        await write_keys.revoke_write_key(engine, key)


async def test_the_write_key_itself_is_not_in_the_database(engine: AsyncEngine, db: asyncpg.Connection) -> None:
    key = await write_keys.add_site(engine, "shop-web", tenant="acme", account="shop")
    rows = await db.fetch("SELECT write_keys::text AS row FROM onefold.write_keys")
    assert [key in row["row"] for row in rows] == [False]


async def test_an_invalid_website_has_no_write_key(engine: AsyncEngine) -> None:
    with pytest.raises(UnknownTenant):
        await write_keys.add_site(engine, "shop-web", tenant="nobody", account="shop")
    with pytest.raises(InvalidName):
        await write_keys.add_site(engine, "shop-web", tenant="acme", account="a:b")
    with pytest.raises(UnknownSite):
        await write_keys.add_write_key(engine, "shop-web")
    assert await list_sources(engine) == []
    assert await write_keys.list_write_keys(engine) == []


async def test_a_key_made_before_there_were_kinds_is_public(engine: AsyncEngine, db: asyncpg.Connection) -> None:
    await write_keys.add_site(engine, "shop-web", tenant="acme", account="shop")
    await db.execute(
        "INSERT INTO onefold.write_keys (write_key_hash, source, prefix) VALUES ($1, 'shop-web', 'wk_older1')",
        hash_of("wk_older1…"),
    )
    site = await write_keys.find_site(engine, hash_of("wk_older1…"))
    assert site is not None
    assert site.kind == "public"


async def test_a_website_gets_a_key_of_each_kind_and_a_login_secret(engine: AsyncEngine) -> None:
    made = await connect_site(engine, "master", SourceDraft("shop-web", "acme", "web", "shop"))
    assert made.public_key.startswith("wk_")
    assert made.server_key.startswith("wsk_")
    assert made.login_secret is not None
    sites = ControlPlaneSites(engine, "master")
    public, server = await sites.find(made.public_key), await sites.find(made.server_key)
    assert public is not None
    assert server is not None
    assert (public.assurance, server.assurance) == ("claimed", "stated")
    assert public.login_secrets == server.login_secrets == (made.login_secret,)
    assert not public.signed_only
    (source,) = await list_sources(engine)
    assert [open_sealed("master", sealed) for sealed in source.sealed_secrets] == [made.login_secret.encode()]


async def test_while_a_login_secret_is_replaced_both_are_known(engine: AsyncEngine) -> None:
    async def publish(_event: object) -> None:
        pass

    options = SourceOptions(signed_logins="required", rate=5)
    draft = SourceDraft("shop-web", "acme", "web", "shop", secrets=(b"the first login secret",), options=options)
    made = await connect_site(engine, "master", draft)
    assert made.login_secret is None, "it is the draft's own"
    service = SourceService(engine, "master", publish)
    await service.rotate("shop-web", "acme", b"the second login secret")
    site = await ControlPlaneSites(engine, "master").find(made.public_key)
    assert site is not None
    assert (site.signed_only, site.rate) == (True, 5)
    assert site.login_secrets == ("the first login secret", "the second login secret")
    with pytest.raises(InvalidName):
        await service.rotate("shop-web", "acme", b"too short to k")


async def test_logins_can_not_be_required_to_be_signed_without_a_secret(engine: AsyncEngine) -> None:
    async def publish(_event: object) -> None:
        pass

    await write_keys.add_site(engine, "shop-web", tenant="acme", account="shop")
    service = SourceService(engine, "master", publish)
    with pytest.raises(InvalidName):
        await service.change(
            "shop-web", "acme", lambda before: replace(before, options=SourceOptions(signed_logins="required"))
        )


async def test_a_key_is_revoked_in_its_own_source_only(engine: AsyncEngine) -> None:
    key = await write_keys.add_site(engine, "shop-web", tenant="acme", account="shop")
    await write_keys.add_site(engine, "other-web", tenant="other", account="shop")
    with pytest.raises(UnknownKey):
        await write_keys.revoke_write_key(engine, key, source="other-web")
    assert (await write_keys.revoke_write_key(engine, key, source="shop-web")).prefix == key[:9]


async def test_a_beginning_that_fits_two_keys_or_is_too_short_revokes_none(
    engine: AsyncEngine, db: asyncpg.Connection
) -> None:
    await write_keys.add_site(engine, "shop-web", tenant="acme", account="shop")
    await write_keys.add_write_key(engine, "shop-web")
    await db.execute("UPDATE onefold.write_keys SET prefix = 'wk_sameXX'")
    for beginning in ("wk_sameXX", "wk_s", ""):
        with pytest.raises(UnknownKey):
            await write_keys.revoke_write_key(engine, beginning)
    assert all(key.revoked_at is None for key in await write_keys.list_write_keys(engine))
