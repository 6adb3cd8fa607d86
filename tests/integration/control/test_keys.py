import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.control.errors import InvalidName, UnknownKey, UnknownTenant
from services.control.keys import add_key, find_key, hash_of, list_keys, revoke_key


async def test_a_key_is_found_by_its_hash_until_it_is_revoked(engine: AsyncEngine) -> None:
    key = await add_key(engine, "acme", ["events:write"], name="web")
    assert key.startswith("of_")
    assert len(key) == 46
    found = await find_key(engine, hash_of(key))
    assert found is not None
    assert (found.tenant, found.scopes, found.name, found.prefix) == ("acme", ("events:write",), "web", key[:9])
    revoked = await revoke_key(engine, key[:9])
    assert revoked.revoked_at is not None
    assert await find_key(engine, hash_of(key)) is None
    assert await list_keys(engine, "acme") == [revoked]
    assert await list_keys(engine, "other") == []
    with pytest.raises(UnknownKey):
        await revoke_key(engine, key)


async def test_the_key_itself_is_not_in_the_database(engine: AsyncEngine, db: asyncpg.Connection) -> None:
    key = await add_key(engine, "acme", ["admin"])
    rows = await db.fetch("SELECT keys::text AS row FROM onefold.keys")
    assert [key in row["row"] for row in rows] == [False]


async def test_a_beginning_that_fits_two_keys_or_is_too_short_revokes_none(
    engine: AsyncEngine, db: asyncpg.Connection
) -> None:
    for _ in range(2):
        await add_key(engine, "acme", ["admin"])
    await db.execute("UPDATE onefold.keys SET prefix = 'of_sameXX'")
    for beginning in ("of_sameXX", "of_s", ""):
        with pytest.raises(UnknownKey):
            await revoke_key(engine, beginning)
    assert all(key.revoked_at is None for key in await list_keys(engine))


async def test_scopes_are_kept_once_and_in_their_declared_order(engine: AsyncEngine) -> None:
    await add_key(engine, "acme", ["admin", "events:write", "admin"])
    assert [key.scopes for key in await list_keys(engine)] == [("events:write", "admin")]


@pytest.mark.parametrize("scopes", [[], ["events:read"], ["admin", "root"]])
async def test_a_key_has_at_least_one_scope_and_only_known_ones(engine: AsyncEngine, scopes: list[str]) -> None:
    with pytest.raises(InvalidName):
        await add_key(engine, "acme", scopes)


async def test_a_key_of_an_unknown_tenant_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(UnknownTenant):
        await add_key(engine, "nobody", ["admin"])
