"""Who is asking: an API key in ``Authorization: Bearer of_…`` becomes a ``Principal``.

A revoked key stops within the two seconds for which an answer is remembered. What belongs to another tenant is answered
with 404, as if it were not there; that is for each query to see to, by asking with the principal's tenant.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request

from services.control import registry as control
from services.runtime.caching import LookupCache
from services.runtime.database import is_transient
from services.runtime.problems import FORBIDDEN, UNAUTHENTICATED, Problem, unavailable

_SCHEME: Final = "bearer "
# Longer than any key: what is longer is not worth hashing.
_LONGEST: Final = 128
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="onefold"'}


@dataclass(frozen=True, slots=True)
class Principal:
    """A tenant's key, and what it may be used for."""

    tenant: str
    scopes: frozenset[str]

    def must(self, scope: str) -> None:
        """Raises a 403 problem unless the key has the scope (``admin`` has them all)."""
        if scope not in self.scopes and "admin" not in self.scopes:
            raise Problem(FORBIDDEN, f"this key lacks the scope {scope}", scope=scope)


class Authenticator:
    """Keys, looked up in the control plane and remembered for a moment."""

    def __init__(self, db: Any) -> None:
        """``db`` is an asyncpg pool or connection."""

        async def find(key_hash: bytes) -> Principal | None:
            key = await control.find_key(db, key_hash)
            return Principal(key.tenant, frozenset(key.scopes)) if key else None

        self._principals: LookupCache[bytes, Principal] = LookupCache(find)

    async def principal(self, authorization: str | None, scope: str) -> Principal:
        """Whose key the header holds. Raises a 401, 403 or 503 problem."""
        key = _key_in(authorization)
        if key is None:
            raise Problem(UNAUTHENTICATED, "send the header `Authorization: Bearer of_…`", headers=_CHALLENGE)
        try:
            found = await self._principals.get(control.hash_of(key))
        except Exception as error:
            if is_transient(error):
                raise unavailable("PostgreSQL") from error
            raise
        if found is None:
            raise Problem(UNAUTHENTICATED, "this key is unknown or was revoked", headers=_CHALLENGE)
        found.must(scope)
        return found


def require(scope: str) -> Callable[[Request], Awaitable[Principal]]:
    """A FastAPI dependency: the principal, with this scope. The app keeps its ``Authenticator`` in its state."""

    async def principal(request: Request) -> Principal:
        authenticator: Authenticator = request.app.state.authenticator
        return await authenticator.principal(request.headers.get("authorization"), scope)

    return principal


def _key_in(authorization: str | None) -> str | None:
    if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
        return None
    key = authorization[len(_SCHEME) :].strip()
    return key if key.startswith(control.KEY_START) and len(key) <= _LONGEST else None
