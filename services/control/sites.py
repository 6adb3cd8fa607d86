"""Connecting a website: its write keys, and the secret with which its server signs logins.

A page proves a login by the hex HMAC-SHA256 of the user id, with a login secret as the key. Only the website's server
can compute it, so a login with it is as good as the server's own word.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.control.source_service import SourceDraft, check_account_of_site, check_secrets
from services.control.write_keys import insert_site
from services.runtime.secrets import seal

_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SiteCredentials:
    """What a new website is given, to be shown once; no login secret where the draft brought its own."""

    public_key: str
    server_key: str
    login_secret: str | None


def new_login_secret() -> str:
    """A login secret that nobody has guessed."""
    return secrets.token_urlsafe(_SECRET_BYTES)


async def connect_site(engine: AsyncEngine, master: str, draft: SourceDraft) -> SiteCredentials:
    """Add a website with a write key of each kind. Raises NameTaken, InvalidName or UnknownTenant.

    A draft without secrets gets a login secret of its own.
    """
    check_account_of_site(draft.account)
    check_secrets("web", draft.secrets)
    made = None if draft.secrets else new_login_secret()
    login_secrets = draft.secrets or (str(made).encode(),)
    row = {
        "source": draft.source,
        "tenant": draft.tenant,
        "channel": "web",
        "account": draft.account,
        "provider": draft.provider,
        "sealed_secrets": [seal(master, secret) for secret in login_secrets],
        "options": draft.options.model_dump(mode="json"),
    }
    async with engine.begin() as connection:
        public, server = await insert_site(connection, row, ["public", "server"])
    return SiteCredentials(public, server, made)
