"""Authentication: an API key in ``Authorization: Bearer of_…`` becomes a ``Principal``.

A revoked key stops working within the two seconds for which an answer is cached. Objects of another tenant are answered
with 404; each query sees to that itself, by selecting the principal's tenant.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from services.control.keys import KEY_START, ApiKey, hash_of
from services.runtime.api import refuse_unknown_parameters
from services.runtime.caching import LookupCache
from services.runtime.database import is_unavailable
from services.runtime.problems import FORBIDDEN, UNAUTHENTICATED, Problem, unavailable

FindKey = Callable[[bytes], Awaitable[ApiKey | None]]
_SCHEME: Final = "bearer "
# Longer than any key: a longer text is not worth hashing.
_LONGEST: Final = 128
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="onefold"'}


@dataclass(frozen=True, slots=True)
class Principal:
    """The tenant and the scopes of the key that a request was sent with."""

    tenant: str
    scopes: frozenset[str]

    def require_scope(self, scope: str) -> None:
        """Raises a 403 problem unless the key has the scope (``admin`` has them all)."""
        if scope not in self.scopes and "admin" not in self.scopes:
            raise Problem(FORBIDDEN, f"this key lacks the scope {scope}", scope=scope)


class Authenticator:
    """Looks keys up in the control plane and caches the answers for two seconds."""

    def __init__(self, find: FindKey, within: float, clock: Callable[[], float] = time.monotonic) -> None:
        """``find`` is ``find_key`` on an engine, and may take ``within`` seconds; ``clock`` gives seconds."""

        async def load(key_hash: bytes) -> Principal | None:
            key = await find(key_hash)
            return Principal(key.tenant, frozenset(key.scopes)) if key else None

        self._principals: LookupCache[bytes, Principal] = LookupCache(load, timeout=within, clock=clock)

    async def principal_of(self, request: Request, scope: str) -> Principal:
        """The principal of a request's key, which has the scope. Raises what ``principal`` does.

        Raises a 422 problem for query parameters that the route has not: only who has a key learns of those it has.
        """
        found = await self.principal(request.headers.get("authorization"), scope)
        refuse_unknown_parameters(request)
        return found

    async def principal(self, authorization: str | None, scope: str) -> Principal:
        """The principal of the header's key, which has the scope. Raises a 401, 403 or 503 problem."""
        key = _key_in(authorization)
        if key is None:
            raise Problem(UNAUTHENTICATED, "send the header `Authorization: Bearer of_…`", headers=_CHALLENGE)
        try:
            found = await self._principals.get(hash_of(key))
        except Exception as error:
            if is_unavailable(error):
                raise unavailable("PostgreSQL") from error
            raise
        if found is None:
            raise Problem(UNAUTHENTICATED, "this key is unknown or was revoked", headers=_CHALLENGE)
        found.require_scope(scope)
        return found


def require(scope: str) -> Callable[[Request], Awaitable[Principal]]:
    """A FastAPI dependency: the principal, with this scope. The app keeps its ``Authenticator`` in its state."""

    async def principal(request: Request) -> Principal:
        authenticator: Authenticator = request.app.state.authenticator
        return await authenticator.principal_of(request, scope)

    return principal


def _key_in(authorization: str | None) -> str | None:
    if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
        return None
    key = authorization[len(_SCHEME) :].strip()
    return key if key.startswith(KEY_START) and len(key) <= _LONGEST else None
