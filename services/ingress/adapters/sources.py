"""Finds sources and websites in the control plane."""

import time
from collections.abc import Callable

from services.control import write_keys
from services.control.keys import hash_of
from services.control.sources import Source, get_source
from services.ingress.core.web import Site
from services.ingress.ports import SourcesUnavailable, WebhookSource
from services.runtime.caching import LOOKUP_WITHIN, LookupCache
from services.runtime.database import Engine, is_transient
from services.runtime.secrets import open_sealed


class ControlPlaneSources:
    """Sources by name, cached for two seconds; and for ten minutes while PostgreSQL is unavailable.

    LINE does not send a webhook again unless told to, so losing the database must not mean losing what people write.
    """

    def __init__(
        self,
        engine: Engine,
        master: str,
        clock: Callable[[], float] = time.monotonic,
        within: float = LOOKUP_WITHIN,
    ) -> None:
        async def ask(name: str) -> WebhookSource | None:
            found = await get_source(engine, name)
            return _opened(found, master) if found and found.disabled_at is None else None

        self._remembered: LookupCache[str, WebhookSource] = LookupCache(ask, timeout=within, clock=clock)

    async def find(self, source: str) -> WebhookSource | None:
        """See Sources."""
        try:
            return await self._remembered.get(source)
        except Exception as error:
            if is_transient(error):
                raise SourcesUnavailable from error
            raise


def _opened(source: Source, master: str) -> WebhookSource:
    return WebhookSource(
        source.source,
        source.tenant,
        source.channel,
        source.account,
        source.provider,
        tuple(open_sealed(master, sealed) for sealed in source.sealed_secrets),
        open_sealed(master, source.sealed_verify_token) if source.sealed_verify_token else None,
        dict(source.options.senders),
        source.options.rate,
    )


class ControlPlaneSites:
    """Websites by write key, cached as sources are."""

    def __init__(
        self,
        engine: Engine,
        master: str,
        clock: Callable[[], float] = time.monotonic,
        within: float = LOOKUP_WITHIN,
    ) -> None:
        async def ask(key_hash: bytes) -> Site | None:
            found = await write_keys.find_site(engine, key_hash)
            return _site(found, master) if found else None

        self._remembered: LookupCache[bytes, Site] = LookupCache(ask, timeout=within, clock=clock)

    async def find(self, write_key: str) -> Site | None:
        """See Sites."""
        if not write_keys.may_be_write_key(write_key):
            return None
        try:
            return await self._remembered.get(hash_of(write_key))
        except Exception as error:
            if is_transient(error):
                raise SourcesUnavailable from error
            raise


def _site(found: write_keys.WebSource, master: str) -> Site:
    return Site(
        found.tenant,
        found.source,
        found.account,
        found.options.rate,
        "stated" if found.kind == "server" else "claimed",
        tuple(open_sealed(master, sealed).decode() for sealed in found.sealed_secrets),
        found.options.signed_logins == "required",
    )
