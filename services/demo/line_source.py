"""The demo's LINE account: a source like any other, with a channel secret made at the first demo."""

import secrets
from typing import Any, Final

from services.demo import brand
from services.demo.spoilt import TENANT
from services.runtime import control
from services.runtime.database import create_pool
from services.runtime.secrets import open_sealed, seal
from services.runtime.settings import Settings

SOURCE: Final = "demo-line"
_SECRET_BYTES: Final = 16  # as long as LINE's own


async def connect_line(settings: Settings) -> str:
    """The channel secret of the demo's LINE source, which is made if it is not there. Raises ControlError."""
    async with create_pool(settings.database_url, size=1, name="onefold-demo") as pool:
        source = await control.get_source(pool, SOURCE) or await _add(pool, settings.master_key)
    return open_sealed(settings.master_key, source.sealed_secrets[0]).decode()


async def _add(pool: Any, master: str) -> control.Source:
    await control.add_source(
        pool,
        SOURCE,
        tenant=TENANT,
        channel="line",
        account=brand.LINE_ACCOUNT,
        provider=brand.LINE_PROVIDER,
        sealed_secrets=[seal(master, secrets.token_hex(_SECRET_BYTES).encode())],
    )
    source = await control.get_source(pool, SOURCE)
    if source is None:  # somebody removed it in between
        raise control.InvalidName(f"the source {SOURCE!r} was removed while it was made")
    return source
