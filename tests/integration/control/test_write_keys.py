import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.control import write_keys
from services.control.errors import InvalidName, UnknownKey, UnknownSite, UnknownTenant
from services.control.keys import hash_of
from services.control.sources import list_sources


async def test_a_write_key_finds_its_website_until_it_is_revoked(engine: AsyncEngine) -> None:
    key = await write_keys.add_site(engine, "shop-web", tenant="acme", account="shop")
    assert key.startswith("wk_")
    assert write_keys.may_be_write_key(key)
    site = await write_keys.find_site(engine, hash_of(key))
    assert site == write_keys.WebSource("shop-web", "acme", "shop", None)
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
