"""Connecting a channel's account, changing how, and disconnecting it: the row first, then the event in the log.

An event tells of the row as it stands, under an id made of the row's name and time of change. So a call that could not
reach the log is repeated as it was: the row is as wanted already, and the event is the same one. No event has a secret.
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.events import Event
from schemas.events.tenant import (
    Connection,
    Disconnection,
    TenantChannelConnected,
    TenantChannelDisconnected,
)
from services.control import sources
from services.control.registry import InvalidName, NameTaken, Source, add_source
from services.control.source_options import SourceOptions
from services.runtime.secrets import open_sealed, seal

Say = Callable[[Event], Awaitable[None]]
META_CHANNELS: Final = frozenset({"meta", "facebook", "instagram", "whatsapp"})
WEBHOOK_CHANNELS: Final = ("line", "meta", "facebook", "instagram", "whatsapp")
MOST_SECRETS: Final = 5
_TOKEN_BYTES: Final = 24
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source as somebody wants it; without a verify token, one is made where the channel asks for one."""

    source: str
    tenant: str
    channel: str
    account: str | None = None
    provider: str | None = None
    secrets: tuple[bytes, ...] = ()
    verify_token: str | None = None
    options: SourceOptions = field(default_factory=SourceOptions)


class SourceService:
    """What is done to sources. Every method raises ControlError, and what ``say`` raises: then repeat the call.

    ``tenant`` is whose the source has to be; None stands for the operator, whose they all are.
    """

    def __init__(self, db: Any, master: str, say: Say) -> None:
        """``db`` is an asyncpg pool or connection; ``say`` returns when the log has the event."""
        self._db, self._master, self._say = db, master, say

    async def connect(self, wanted: Wanted) -> Source:
        """Add a source; one that is there just so already is as good as added."""
        if wanted.channel not in WEBHOOK_CHANNELS:
            raise InvalidName(f"webhooks come from {', '.join(WEBHOOK_CHANNELS)}; not from {wanted.channel!r}")
        if not wanted.secrets:
            raise InvalidName("a source needs a secret, or nobody could sign for it")
        _valid_secrets(wanted.secrets)
        try:
            await self._add(wanted)
        except NameTaken:
            found = await sources.own_source(self._db, wanted.source, None)
            if not self._is(found, wanted):
                raise
        return await self._told(await sources.own_source(self._db, wanted.source, wanted.tenant))

    async def change(
        self, name: str, tenant: str | None, change: sources.Change, *, verify_token: str | None = None
    ) -> Source:
        """Change what may be changed of a source; and what Meta has to say when it first calls, if that is given."""
        sealed = None if verify_token is None else self._sealed(verify_token)

        def changed(source: Source) -> Source:
            same = sealed is None or opened_verify_token(self._master, source) == verify_token
            after = change(source if same else replace(source, sealed_verify_token=sealed))
            if after.channel == "web" and after.account is None:
                raise InvalidName("a website has an account, which its contacts show")
            return after

        return await self._told(await sources.change_source(self._db, name, tenant, changed))

    async def rotate(self, name: str, tenant: str | None, secret: bytes | None, *, keep: int = 2) -> Source:
        """Add a secret, if one is given, and keep the newest ones, so many; webhooks may be signed with any of them."""

        def rotated(source: Source) -> Source:
            known = [(open_sealed(self._master, sealed), sealed) for sealed in source.sealed_secrets]
            if secret is not None:
                same = [sealed for opened, sealed in known if secrets.compare_digest(opened, secret)]
                known = [one for one in known if one[1] not in same] + [(secret, (same or fresh)[0])]
            return replace(source, sealed_secrets=tuple(sealed for _, sealed in known[-keep:]))

        fresh = [seal(self._master, secret)] if secret is not None else []
        _valid_secrets([] if secret is None else [secret])
        if not 1 <= keep <= MOST_SECRETS:
            raise InvalidName(f"a source keeps 1 to {MOST_SECRETS} secrets")
        return await self._told(await sources.change_source(self._db, name, tenant, rotated))

    async def disable(self, name: str, tenant: str | None) -> Source:
        """Take nothing in from the source until it is enabled again."""
        return await self._told(await sources.change_source(self._db, name, tenant, sources.disabled))

    async def enable(self, name: str, tenant: str | None) -> Source:
        """Take webhooks in again."""
        return await self._told(await sources.change_source(self._db, name, tenant, sources.enabled))

    async def remove(self, name: str, tenant: str | None) -> Source:
        """Forget the source. It is disabled first, and gone only after the log knows."""
        source = await sources.change_source(self._db, name, tenant, sources.disabled)
        await self._say(event_of(source, _now(), removed=True))
        await sources.remove_source(self._db, source)
        return source

    async def _add(self, wanted: Wanted) -> None:
        token = wanted.verify_token
        if wanted.channel in META_CHANNELS and token is None:
            token = secrets.token_urlsafe(_TOKEN_BYTES)
        await add_source(
            self._db,
            wanted.source,
            tenant=wanted.tenant,
            channel=wanted.channel,
            account=wanted.account,
            provider=wanted.provider,
            sealed_secrets=[seal(self._master, secret) for secret in wanted.secrets],
            sealed_verify_token=self._sealed(token) if token is not None else None,
            options=wanted.options,
        )

    def _is(self, source: Source, wanted: Wanted) -> bool:
        facts = (source.tenant, source.channel, source.account, source.provider, source.options)
        if facts != (wanted.tenant, wanted.channel, wanted.account, wanted.provider, wanted.options):
            return False
        if wanted.verify_token not in (None, opened_verify_token(self._master, source)):
            return False
        return wanted.secrets == tuple(open_sealed(self._master, sealed) for sealed in source.sealed_secrets)

    def _sealed(self, token: str) -> bytes:
        if not (token.isascii() and token.isprintable() and 0 < len(token) <= _LONGEST_TOKEN):
            raise InvalidName(f"a verify token is 1 to {_LONGEST_TOKEN} printable ASCII characters")
        return seal(self._master, token.encode())

    async def _told(self, source: Source) -> Source:
        await self._say(event_of(source, _now()))
        return source


_LONGEST_TOKEN: Final = 255
_LONGEST_SECRET: Final = 1024


async def tell_of(db: Any, name: str, say: Say) -> None:
    """Tell the log of a source as it stands. Raises UnknownSource, and what ``say`` raises."""
    await say(event_of(await sources.own_source(db, name, None), _now()))


def opened_verify_token(master: str, source: Source) -> str | None:
    """What Meta has to say when it first calls; None for other channels. Raises WrongMasterKey."""
    sealed = source.sealed_verify_token
    return open_sealed(master, sealed).decode() if sealed else None


def event_of(source: Source, received_at: int, *, removed: bool = False) -> Event:
    """What the log is told of a source as it stands."""
    micros = (source.changed_at - _EPOCH) // timedelta(microseconds=1)
    envelope: dict[str, Any] = {
        "event_id": f"source:{source.source}:{micros}{':removed' if removed else ''}",
        "tenant": source.tenant,
        "occurred_at": micros // 1000,
        "received_at": max(received_at, micros // 1000),
        "source": "control",
    }
    facts: dict[str, Any] = {"source": source.source, "channel": source.channel, "account": source.account}
    if removed or source.disabled_at:
        gone = Disconnection(**facts, reason="removed" if removed else "disabled")
        return TenantChannelDisconnected(**envelope, type="tenant.channel_disconnected", data=gone)
    data = Connection(**facts, name=source.options.name, provider=source.provider)
    return TenantChannelConnected(**envelope, type="tenant.channel_connected", data=data)


def _valid_secrets(given: Sequence[bytes]) -> None:
    if len(given) > MOST_SECRETS or not all(0 < len(secret) <= _LONGEST_SECRET for secret in given):
        raise InvalidName(f"a source has at most {MOST_SECRETS} secrets, each of 1 to {_LONGEST_SECRET} bytes")


def _now() -> int:
    return time.time_ns() // 1_000_000
