"""API keys for tests that call an authenticator or an application without a database."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

from starlette.requests import Request

from services.control.auth import Authenticator, FindKey, KeyGuard, Principal
from services.control.keys import ApiKey, hash_of
from services.runtime.api import Access
from services.runtime.auditing import AuditEntry, AuditTrail
from services.runtime.buckets import Allowance
from services.runtime.rate_limits import RateLimits

NO_LIMIT = Allowance(1e9, 1e9)


class KeptEntries:
    """Keeps the entries of an audit trail in memory; ``failing`` makes it refuse them."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.failing = False

    async def __call__(self, entries: Sequence[AuditEntry]) -> None:
        await asyncio.sleep(0)
        if self.failing:
            raise OSError
        self.entries += entries


def a_guard(
    allowance: Allowance = NO_LIMIT, clock: Callable[[], float] = lambda: 0.0, trail: AuditTrail | None = None
) -> KeyGuard:
    """The guard of a process."""
    return KeyGuard(RateLimits(allowance, clock), trail or AuditTrail(KeptEntries()))


def an_api_key(scopes: Collection[str], rate: float | None = None, burst: float | None = None) -> ApiKey:
    """A live key of the tenant ``acme``."""
    return ApiKey("acme", "a test", tuple(scopes), "of_abcdef", datetime.now(UTC), None, rate, burst)


def finding(keys: dict[str, ApiKey]) -> FindKey:
    """What finds these keys, by their plaintexts."""
    by_hash = {hash_of(plaintext): key for plaintext, key in keys.items()}

    async def find(key_hash: bytes) -> ApiKey | None:
        return by_hash.get(key_hash)

    return find


async def admitted(authenticator: Authenticator, authorization: str | None, scope: str) -> Principal:
    """The principal of a request with this header, for a route that needs the scope and is not recorded."""
    headers = [] if authorization is None else [(b"authorization", authorization.encode("utf-8", "surrogateescape"))]
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers})
    return await authenticator.admit(request, Access(scope, recorded=False))
