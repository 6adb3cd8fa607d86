"""The brand's accounts, connected: sources like any others, with secrets and a write key made at the first demo."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.control import registry as control
from services.control import write_keys
from services.demo import brand
from services.demo.letters import META, Way
from services.demo.spoilt import TENANT
from services.demo.understood import PROVIDERS
from services.runtime.database import create_pool
from services.runtime.secrets import open_sealed, seal
from services.runtime.settings import Settings

SIGNED: Final[tuple[Way, ...]] = ("line", *META)
SITE: Final = "demo-site"
_WRITE_KEY_FILE: Final = "demo.write-key"  # no secret: it stands in the site's pages
_SECRET_BYTES: Final = 16  # as long as LINE's and Meta's own


@dataclass(frozen=True, slots=True)
class Credentials:
    """With what the brand's channels and its website come in."""

    secrets: Mapping[Way, str]
    write_key: str


def source_of(way: Way) -> str:
    """The name of the source that a channel's webhooks come to."""
    return f"demo-{way}"


async def connect(settings: Settings) -> Credentials:
    """The credentials of the demo's sources; what is not there is made. Raises ControlError."""
    async with create_pool(settings.database_url, size=1, name="onefold-demo") as pool:
        signing = {way: await _secret_of(pool, settings.master_key, way) for way in SIGNED}
        return Credentials(signing, await _write_key(pool, settings.data_dir / _WRITE_KEY_FILE))


async def _secret_of(pool: Any, master: str, way: Way) -> str:
    source = await control.get_source(pool, source_of(way)) or await _add(pool, master, way)
    return open_sealed(master, source.sealed_secrets[0]).decode()


async def _add(pool: Any, master: str, way: Way) -> control.Source:
    await control.add_source(
        pool,
        source_of(way),
        tenant=TENANT,
        channel=way,
        account=brand.ACCOUNTS[way],
        provider=PROVIDERS.get(way),
        sealed_secrets=[seal(master, secrets.token_hex(_SECRET_BYTES).encode())],
    )
    source = await control.get_source(pool, source_of(way))
    if source is None:  # somebody removed it in between
        raise control.InvalidName(f"the source {source_of(way)!r} was removed while it was made")
    return source


async def _write_key(pool: Any, file: Path) -> str:
    """The website's write key, as the first demo kept it; another one where the database doesn't know that."""
    kept = _kept(file)
    if kept and await write_keys.find_site(pool, control.hash_of(kept)):
        return kept
    async with pool.acquire() as connection:
        if await control.get_source(connection, SITE):
            key = await write_keys.add_write_key(connection, SITE)
        else:
            key = await write_keys.add_site(connection, SITE, tenant=TENANT, account=brand.ACCOUNTS["web"])
    _keep(file, key)
    return key


def _kept(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


def _keep(file: Path, key: str) -> None:
    file.write_text(key + "\n")
