"""Authentication: an API key in ``Authorization: Bearer of_…`` becomes a ``Principal``.

A revoked key stops working within the two seconds for which an answer is cached. Objects of another tenant are answered
with 404; each query sees to that itself, by selecting the principal's tenant.
"""

import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from services.control.keys import KEY_START, ApiKey, hash_of
from services.runtime.api import Access, refuse_unknown_parameters, refuse_unstorable_names
from services.runtime.auditing import AuditFull, AuditTrail, note_of
from services.runtime.buckets import Allowance
from services.runtime.caching import LookupCache
from services.runtime.database import is_unavailable
from services.runtime.metrics import rate_limited_by
from services.runtime.problems import FORBIDDEN, TOO_FAST, UNAUTHENTICATED, UNAVAILABLE, Problem, unavailable
from services.runtime.rate_limits import RateLimits, TooFast, limit_headers

FindKey = Callable[[bytes], Awaitable[ApiKey | None]]
OPERATOR: Final = "operator"  # what is about all tenants together
_SCHEME: Final = "bearer "
# Longer than any key: a longer text is not worth hashing.
_LONGEST: Final = 128
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="onefold"'}
_AUDIT_FULL: Final = "the audit trail can't be written, and what it can't record is not done"


def permits(scopes: Collection[str], scope: str) -> bool:
    """Whether the scopes contain the scope: ``admin`` contains all that are about its tenant alone."""
    return scope in scopes or (scope != OPERATOR and "admin" in scopes)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose key a request was sent with, what the key may do, and how it is shown."""

    tenant: str
    scopes: frozenset[str]
    key_hash: bytes
    key_prefix: str
    key_name: str
    allowance: Allowance | None = None  # none of its own: the setting's

    @classmethod
    def of(cls, key: ApiKey, key_hash: bytes) -> "Principal":
        """The principal of a key."""
        allowance = None if key.rate is None else Allowance.of(key.rate, key.burst)
        return cls(key.tenant, frozenset(key.scopes), key_hash, key.prefix, key.name, allowance)

    def require_scope(self, scope: str) -> None:
        """Raises a 403 problem unless the key has the scope, or one that contains it."""
        if not permits(self.scopes, scope):
            raise Problem(FORBIDDEN, f"this key lacks the scope {scope}", scope=scope)


@dataclass(frozen=True, slots=True)
class KeyGuard:
    """What the services of one process share: the rate limits of keys, the audit trail, and which keys were used."""

    limits: RateLimits[bytes]
    trail: AuditTrail
    used: set[bytes] = field(default_factory=set)  # hashes, since they were last written down


class Authenticator:
    """Looks keys up in the control plane and caches the answers for two seconds."""

    def __init__(
        self, find: FindKey, within: float, guard: KeyGuard, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``find`` is ``find_key`` on an engine, and may take ``within`` seconds; ``clock`` gives seconds."""

        async def load(key_hash: bytes) -> Principal | None:
            key = await find(key_hash)
            return Principal.of(key, key_hash) if key else None

        self._principals: LookupCache[bytes, Principal] = LookupCache(load, timeout=within, clock=clock)
        self._guard = guard

    async def admit(self, request: Request, access: Access) -> Principal:
        """The principal of a request's key, which may do this now. Raises a 401, 403, 429 or 503 problem.

        Raises a 422 problem for query parameters that the route has not: only who has a key learns of those it has.
        Raises a 404 problem for names that nothing can have.
        What is refused from the scope on is recorded, too.
        """
        found = await self._principal(request.headers.get("authorization"))
        self.permit(request, found, access)
        refuse_unknown_parameters(request)
        refuse_unstorable_names(request)
        return found

    async def still_admits(self, principal: Principal) -> bool:
        """Whether the principal's key is still one, for an answer that takes long. While that is unknown, it is not."""
        try:
            return await self._principals.get(principal.key_hash) is not None
        except Exception as error:
            if is_unavailable(error):
                return False
            raise

    def permit(self, request: Request, principal: Principal, access: Access) -> None:
        """Count and record a principal's request. Raises a 403, 429 or 503 problem."""
        self._spend(request, principal, access.cost)
        self._guard.used.add(principal.key_hash)
        if access.recorded:
            self._record(request, principal)
        principal.require_scope(access.scope)

    async def _principal(self, authorization: str | None) -> Principal:
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
        return found

    def _spend(self, request: Request, principal: Principal, cost: float) -> None:
        try:
            left = self._guard.limits.spend(principal.key_hash, principal.allowance, cost)
        except TooFast as error:
            rate_limited_by(principal.tenant).inc()
            headers = {"Retry-After": error.retry_after, **limit_headers(error.allowance, error.bucket)}
            raise Problem(TOO_FAST, "this key sends too much", headers=headers) from None
        if (note := note_of(request.scope)) is not None:
            note.headers.update(limit_headers(*left))

    def _record(self, request: Request, principal: Principal) -> None:
        note = note_of(request.scope)
        if note is None:
            raise RuntimeError("a route that is recorded must not be served past the audit")
        try:
            note.begin(self._guard.trail, principal.tenant, principal.key_prefix, principal.key_name)
        except AuditFull:
            raise Problem(UNAVAILABLE, _AUDIT_FULL, headers={"Retry-After": "5"}) from None


class Requires:
    """A FastAPI dependency: the principal, whose key has the access. ``authenticator_of`` finds who checks it."""

    def __init__(self, access: Access, authenticator_of: Callable[[Request], Authenticator]) -> None:
        self.access = access
        self._authenticator_of = authenticator_of

    async def __call__(self, request: Request) -> Principal:
        """The request's principal. Raises the problems of ``Authenticator.admit``."""
        principal = await self._authenticator_of(request).admit(request, self.access)
        request.state.principal = principal
        return principal


def _key_in(authorization: str | None) -> str | None:
    if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
        return None
    key = authorization[len(_SCHEME) :].strip()
    return key if key.startswith(KEY_START) and len(key) <= _LONGEST else None
