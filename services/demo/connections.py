"""The demo's sources: webhook sources with their secrets and the site's write key, made by the first demo."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.control import write_keys
from services.control.keys import hash_of
from services.control.sources import add_source, get_source
from services.demo import brand
from services.demo.invalid import TENANT
from services.demo.senders import SENDERS
from services.demo.senders.shape import SenderName
from services.runtime.database import Engine, open_engine
from services.runtime.secrets import open_sealed, seal
from services.runtime.settings import Settings

SIGNED: Final[tuple[SenderName, ...]] = tuple(name for name, one in SENDERS.items() if one.credential == "signature")
PROVIDERS: Final = {"line": brand.LINE_PROVIDER, "whatsapp": brand.WHATSAPP_PORTFOLIO}
_SITE: Final = "demo-site"
_WRITE_KEY_FILE: Final = "demo.write-key"  # no secret: browsers see it
_SECRET_BYTES: Final = 16  # as long as LINE's and Meta's own


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, with the API key, the secret of each signed channel, and the site's write key.

    ``command`` is how the reader calls ``onefold`` there.
    """

    url: str
    key: str
    secrets: Mapping[SenderName, str]
    write_key: str
    command: str = "onefold"


def connect(settings: Settings, url: str, key: str, command: str) -> Target:
    """Return the target with the credentials of its sources; those that are missing are added. Raises ControlError."""
    file = settings.data_dir / _WRITE_KEY_FILE
    signing, write_key = asyncio.run(_credentials(settings, file.read_text().strip() if file.exists() else ""))
    file.write_text(write_key + "\n")
    return Target(url, key, signing, write_key, command)


async def _credentials(settings: Settings, kept: str) -> tuple[Mapping[SenderName, str], str]:
    async with open_engine(settings.database_url, max_size=1, name="onefold-demo") as engine:
        signing = {sender: await _secret_of(engine, settings.master_key, sender) for sender in SIGNED}
        return signing, await _write_key(engine, kept)


async def _secret_of(engine: Engine, master: str, sender: SenderName) -> str:
    name = f"demo-{sender}"
    source = await get_source(engine, name)
    if source:
        return open_sealed(master, source.sealed_secrets[0]).decode()
    secret = secrets.token_hex(_SECRET_BYTES)
    await add_source(
        engine,
        name,
        tenant=TENANT,
        channel=sender,
        account=brand.ACCOUNTS[sender],
        provider=PROVIDERS.get(sender),
        sealed_secrets=[seal(master, secret.encode())],
    )
    return secret


async def _write_key(engine: Engine, kept: str) -> str:
    """The site's write key as the first demo kept it, or a new one if the database does not know that one."""
    if kept and await write_keys.find_site(engine, hash_of(kept)):
        return kept
    if await get_source(engine, _SITE):
        return await write_keys.add_write_key(engine, _SITE)
    return await write_keys.add_site(engine, _SITE, tenant=TENANT, account=brand.ACCOUNTS["web"])
