"""The demo's sources: webhook sources with their secrets and the site's write key, made by the first demo."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.control import write_keys
from services.control.errors import InvalidName
from services.control.keys import hash_of
from services.control.sources import Source, add_source, get_source
from services.demo import brand
from services.demo.channels.channel import Sender
from services.demo.channels.registry import CHANNELS
from services.demo.invalid import TENANT
from services.runtime.database import Engine, open_engine
from services.runtime.secrets import open_sealed, seal
from services.runtime.settings import Settings

SIGNED: Final[tuple[Sender, ...]] = tuple(name for name, one in CHANNELS.items() if one.credential == "signature")
PROVIDERS: Final = {"line": brand.LINE_PROVIDER, "whatsapp": brand.WHATSAPP_PORTFOLIO}
_SITE: Final = "demo-site"
_WRITE_KEY_FILE: Final = "demo.write-key"  # no secret: browsers see it
_SECRET_BYTES: Final = 16  # as long as LINE's and Meta's own


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secret of each signed channel, and the site's write key."""

    secrets: Mapping[Sender, str]
    write_key: str


async def connect(settings: Settings) -> Credentials:
    """Return the credentials of the demo's sources, and add those that are missing. Raises ControlError."""
    async with open_engine(settings.database_url, max_size=1, name="onefold-demo") as engine:
        signing = {sender: await _secret_of(engine, settings.master_key, sender) for sender in SIGNED}
        return Credentials(signing, await _write_key(engine, settings.data_dir / _WRITE_KEY_FILE))


async def _secret_of(engine: Engine, master: str, sender: Sender) -> str:
    name = f"demo-{sender}"
    source = await get_source(engine, name) or await _add(engine, master, sender, name)
    return open_sealed(master, source.sealed_secrets[0]).decode()


async def _add(engine: Engine, master: str, sender: Sender, name: str) -> Source:
    await add_source(
        engine,
        name,
        tenant=TENANT,
        channel=sender,
        account=brand.ACCOUNTS[sender],
        provider=PROVIDERS.get(sender),
        sealed_secrets=[seal(master, secrets.token_hex(_SECRET_BYTES).encode())],
    )
    source = await get_source(engine, name)
    if source is None:
        raise InvalidName(f"the source {name!r} was removed while it was made")
    return source


async def _write_key(engine: Engine, file: Path) -> str:
    """The site's write key as the first demo kept it, or a new one if the database does not know that one."""
    kept = _kept(file)
    if kept and await write_keys.find_site(engine, hash_of(kept)):
        return kept
    if await get_source(engine, _SITE):
        key = await write_keys.add_write_key(engine, _SITE)
    else:
        key = await write_keys.add_site(engine, _SITE, tenant=TENANT, account=brand.ACCOUNTS["web"])
    return _keep(file, key)


def _kept(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


def _keep(file: Path, key: str) -> str:
    file.write_text(key + "\n")
    return key
