"""Connecting a channel's account, changing it and disconnecting it: the row first, then the event in the log.

A call that could not publish its event is repeated as it was: the row is as wanted by then, and the event has the same
id, because that is derived from the row.
"""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from schemas.events import Event
from services.control import sources
from services.control.errors import InvalidName, NameTaken
from services.control.source_events import source_event
from services.control.source_options import SourceOptions
from services.control.sources import Source, SourceChange, change_source, own_source
from services.runtime.secrets import open_sealed, seal

Publish = Callable[[Event], Awaitable[None]]
META_CHANNELS: Final = frozenset({"meta", "facebook", "instagram", "whatsapp"})
WEBHOOK_CHANNELS: Final = ("line", "meta", "facebook", "instagram", "whatsapp")
MOST_SECRETS: Final = 5
_TOKEN_BYTES: Final = 24
_LONGEST_TOKEN: Final = 255
_LONGEST_SECRET: Final = 1024
_SHORTEST_LOGIN_SECRET: Final = 16


@dataclass(frozen=True, slots=True)
class SourceDraft:
    """A source to be added. Without a verify token, one is generated for channels that need one."""

    source: str
    tenant: str
    channel: str
    account: str | None = None
    provider: str | None = None
    secrets: tuple[bytes, ...] = ()
    verify_token: str | None = None
    options: SourceOptions = field(default_factory=SourceOptions)


class SourceService:
    """Changes sources. Every method raises ControlError, and what ``publish`` raises: then repeat the call.

    ``tenant`` is the tenant that the source has to belong to; None is the operator, who may change every source.
    """

    def __init__(self, engine: AsyncEngine, master: str, publish: Publish) -> None:
        """``publish`` returns when the log has the event."""
        self._engine, self._master, self._publish = engine, master, publish

    async def connect(self, draft: SourceDraft) -> Source:
        """Add a source. One that exists already, exactly as in the draft, is accepted."""
        if draft.channel not in WEBHOOK_CHANNELS:
            raise InvalidName(f"webhooks come from {', '.join(WEBHOOK_CHANNELS)}; not from {draft.channel!r}")
        if not draft.secrets:
            raise InvalidName("a source needs a secret, or nobody could sign for it")
        check_secrets(draft.channel, draft.secrets)
        try:
            await self._add(draft)
        except NameTaken:
            found = await own_source(self._engine, draft.source, None)
            if not self._equals(found, draft):
                raise
        return await self._published(await own_source(self._engine, draft.source, draft.tenant))

    async def change(
        self, name: str, tenant: str | None, change: SourceChange, *, verify_token: str | None = None
    ) -> Source:
        """Apply a change to the source, and replace Meta's verify token if one is given."""
        sealed = None if verify_token is None else self._sealed(verify_token)

        def changed(source: Source) -> Source:
            same = sealed is None or opened_verify_token(self._master, source) == verify_token
            after = change(source if same else replace(source, sealed_verify_token=sealed))
            if after.channel == "web":
                check_account_of_site(after.account)
            if after.options.signed_logins == "required" and not after.sealed_secrets:
                raise InvalidName("signed logins need a login secret: add one first")
            return after

        return await self._change(name, tenant, changed)

    async def rotate(self, name: str, tenant: str | None, secret: bytes | None, *, keep: int = 2) -> Source:
        """Add a secret, if given, and keep the ``keep`` newest: each may sign webhooks, or a website's logins."""

        def rotated(source: Source) -> Source:
            check_secrets(source.channel, given)
            known = [(open_sealed(self._master, sealed), sealed) for sealed in source.sealed_secrets]
            if secret is not None:
                same = [sealed for opened, sealed in known if secrets.compare_digest(opened, secret)]
                known = [one for one in known if one[1] not in same] + [(secret, (same or fresh)[0])]
            return replace(source, sealed_secrets=tuple(sealed for _, sealed in known[-keep:]))

        given = [] if secret is None else [secret]
        fresh = [seal(self._master, secret) for secret in given]
        if not 1 <= keep <= MOST_SECRETS:
            raise InvalidName(f"a source keeps 1 to {MOST_SECRETS} secrets")
        return await self._change(name, tenant, rotated)

    async def disable(self, name: str, tenant: str | None) -> Source:
        """Accept nothing from the source until it is enabled again."""
        return await self._change(name, tenant, sources.disabled)

    async def enable(self, name: str, tenant: str | None) -> Source:
        """Accept webhooks again."""
        return await self._change(name, tenant, sources.enabled)

    async def remove(self, name: str, tenant: str | None) -> Source:
        """Delete the source: it is disabled first, and deleted only after its event is in the log."""
        source = await change_source(self._engine, name, tenant, sources.disabled)
        await self._publish(source_event(source, removed=True))
        await sources.remove_source(self._engine, source)
        return source

    async def _change(self, name: str, tenant: str | None, change: SourceChange) -> Source:
        return await self._published(await change_source(self._engine, name, tenant, change))

    async def _add(self, draft: SourceDraft) -> None:
        token = draft.verify_token
        if draft.channel in META_CHANNELS and token is None:
            token = secrets.token_urlsafe(_TOKEN_BYTES)
        await sources.add_source(
            self._engine,
            draft.source,
            tenant=draft.tenant,
            channel=draft.channel,
            account=draft.account,
            provider=draft.provider,
            sealed_secrets=[seal(self._master, secret) for secret in draft.secrets],
            sealed_verify_token=self._sealed(token) if token is not None else None,
            options=draft.options,
        )

    def _equals(self, source: Source, draft: SourceDraft) -> bool:
        facts = (source.tenant, source.channel, source.account, source.provider, source.options)
        if facts != (draft.tenant, draft.channel, draft.account, draft.provider, draft.options):
            return False
        if draft.verify_token not in (None, opened_verify_token(self._master, source)):
            return False
        return draft.secrets == tuple(open_sealed(self._master, sealed) for sealed in source.sealed_secrets)

    def _sealed(self, token: str) -> bytes:
        if not (token.isascii() and token.isprintable() and 0 < len(token) <= _LONGEST_TOKEN):
            raise InvalidName(f"a verify token is 1 to {_LONGEST_TOKEN} printable ASCII characters")
        return seal(self._master, token.encode())

    async def _published(self, source: Source) -> Source:
        await self._publish(source_event(source))
        return source


async def publish_source(engine: AsyncEngine, name: str, publish: Publish) -> None:
    """Publish the event of a source as it is stored. Raises UnknownSource, and what ``publish`` raises."""
    await publish(source_event(await own_source(engine, name, None)))


def opened_verify_token(master: str, source: Source) -> str | None:
    """The token that Meta sends when it first calls; None for other channels. Raises WrongMasterKey."""
    sealed = source.sealed_verify_token
    return open_sealed(master, sealed).decode() if sealed else None


def check_account_of_site(account: str | None) -> None:
    """Check that a website has an account. Raises InvalidName."""
    if account is None:
        raise InvalidName("a website has an account, which its contacts show")


def check_secrets(channel: str, given: Sequence[bytes]) -> None:
    """Check the number and the lengths of a source's secrets. Raises InvalidName.

    A website's is of our side's choice, and anybody with a signed login of their own could guess a short one.
    """
    least = _SHORTEST_LOGIN_SECRET if channel == "web" else 1
    if len(given) > MOST_SECRETS or not all(least <= len(secret) <= _LONGEST_SECRET for secret in given):
        raise InvalidName(f"a source has at most {MOST_SECRETS} secrets, each of {least} to {_LONGEST_SECRET} bytes")
