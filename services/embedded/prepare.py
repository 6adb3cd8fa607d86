"""The tenant `demo` and its key, which `onefold up` and the demo use."""

from services.control.console_sessions import add_link
from services.control.keys import add_key, find_key, hash_of
from services.control.tenants import add_tenant, list_tenants
from services.embedded.datadir import DataDir
from services.runtime.database import Engine, open_engine
from services.runtime.settings import Settings

TENANT = "demo"
_KEY_FILE = "demo.key"
_SCOPES = ("events:write", "customers:read", "customers:write", "admin", "operator")


async def demo_key(settings: Settings, home: DataDir) -> str:
    """Return the key of the tenant `demo`, the same at every start; the tenant is added first if it is missing.

    A kept key that the database does not know is replaced: the database is another one now.
    """
    async with open_engine(settings.database_url, max_size=1) as engine:
        kept = home.kept_secret(_KEY_FILE)
        if kept is not None and await find_key(engine, hash_of(kept)):
            return kept
        return home.keep_secret(_KEY_FILE, await _new_key(engine))


async def sign_in_address(settings: Settings, url: str) -> str:
    """Return an address of the web console that signs in to the tenant `demo` as admin, once, within an hour."""
    async with open_engine(settings.database_url, max_size=1) as engine:
        secret = await add_link(engine, TENANT, ("admin", "operator"), "up")
    return f"{url}/console/link/{secret}"


async def _new_key(engine: Engine) -> str:
    if TENANT not in {known.tenant for known in await list_tenants(engine)}:
        await add_tenant(engine, TENANT, name="Demo")
    return await add_key(engine, TENANT, _SCOPES, name="up")
