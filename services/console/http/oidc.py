"""Signing in with the account that a person has at the brand's OpenID provider.

The browser keeps the sign-in that is under way in a sealed cookie, so nobody else can end it, and nothing is stored for
those who only begin one.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import structlog
from starlette.responses import RedirectResponse, Response

from services.console.adapters.openid import OpenIdClient, ProviderAddresses, ProviderUnavailable
from services.console.core import oidc
from services.console.core.oidc import SignInAttempt, SignInRefused
from services.console.core.roles import SCOPES_OF
from services.console.http.pages import PageRoute
from services.console.http.sign_in_page import SIGN_IN, sign_in_page
from services.console.http.visits import SESSION_COOKIE, Visit, query_of, redirect, safe_address
from services.control.console_sessions import SESSION_LASTS, begin_by_provider
from services.control.errors import SignInUsed
from services.control.oidc_providers import BY_PROVIDER, OidcProvider, find_provider
from services.runtime.database import Engine
from services.runtime.problems import NOT_FOUND, Problem
from services.runtime.secrets import WrongMasterKey, open_sealed, seal

log = structlog.get_logger(__name__)

BACK: Final = "/console/oidc/callback"
_ATTEMPT_COOKIE: Final = "onefold_sign_in"
_LONGEST_ATTEMPT: Final = 4000  # characters of the cookie
_LONGEST_CODE: Final = 4000
_SHOWN: Final = 10  # values of a claim


@dataclass(frozen=True, slots=True)
class SignIns:
    """What sign-ins need besides the request; ``clock`` gives seconds, ``public_url`` is the service's address."""

    engine: Engine
    master: str
    public_url: str | None
    client: OpenIdClient
    clock: Callable[[], int] = lambda: int(datetime.now(UTC).timestamp())


async def start(visit: Visit) -> Response:
    """Send the browser to the provider."""
    needs, provider = _sign_ins(visit), await _provider(visit)
    try:
        at = await needs.client.addresses(provider.issuer)
    except ProviderUnavailable as error:
        return await _failed(visit, provider, error)
    going_on = safe_address(query_of(visit.request).one("next"))[:500]
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    attempt = SignInAttempt(provider.tenant, state, nonce, verifier, going_on, needs.clock())
    back = _own_address(visit, BACK)
    address = oidc.authorization_address(at.authorization, attempt, provider.client_id, provider.scopes, back)
    response = RedirectResponse(address, 303)
    sealed = seal(needs.master, attempt.to_bytes()).decode()
    visit.set_cookie(response, _ATTEMPT_COOKIE, sealed, lasts=oidc.ATTEMPT_LASTS)
    return response


async def finish(visit: Visit) -> Response:
    """Begin a session, if the provider's answer gives one. Whatever comes of it, the attempt is over."""
    attempt = _attempt(visit)
    provider = await find_provider(_sign_ins(visit).engine, attempt.tenant) if attempt else None
    if attempt is None or provider is None:
        problem = visit.say("This sign-in took too long, was used already, or began in another browser. Begin again.")
        return await sign_in_page(visit, 400, problem=problem)
    try:
        response = await _begin(visit, provider, attempt)
    except SignInRefused as refused:
        response = _refused(visit, provider, refused)
    except SignInUsed:
        problem = visit.say("This sign-in was used already. Begin again.")
        response = await sign_in_page(visit, 400, problem=problem)
    except ProviderUnavailable as error:
        response = await _failed(visit, provider, error)
    visit.set_cookie(response, _ATTEMPT_COOKIE, "", lasts=0)
    return response


async def sign_out_there(visit: Visit) -> Response:
    """Send the browser to the provider's page for signing out; back to the console's where it has none."""
    provider, back = await _provider(visit), _own_address(visit, SIGN_IN)
    try:
        at = await _sign_ins(visit).client.addresses(provider.issuer)
    except ProviderUnavailable as error:
        return await _failed(visit, provider, error)
    if at.sign_out is None:
        return redirect(SIGN_IN)
    asked = urlencode({"client_id": provider.client_id, "post_logout_redirect_uri": back})
    return RedirectResponse(f"{at.sign_out}{'&' if urlsplit(at.sign_out).query else '?'}{asked}", 303)


async def _begin(visit: Visit, provider: OidcProvider, attempt: SignInAttempt) -> Response:
    needs, query = _sign_ins(visit), query_of(visit.request)
    at = await needs.client.addresses(provider.issuer)
    if query.one("error") or query.one("iss", at.issuer) != at.issuer:
        raise SignInRefused("denied")
    claims = await _claims(visit, provider, attempt, at)
    role = oidc.role_for(claims, provider.rules, any_email=provider.any_email)
    secret = await begin_by_provider(
        needs.engine,
        provider.tenant,
        SCOPES_OF[role],
        name=oidc.name_of(claims),
        person=f"{BY_PROVIDER}{claims['sub'][:255]}",
        state=attempt.state,
    )
    response = redirect(attempt.going_on)
    visit.set_cookie(response, SESSION_COOKIE, secret, lasts=int(SESSION_LASTS.total_seconds()))
    return response


async def _claims(
    visit: Visit, provider: OidcProvider, attempt: SignInAttempt, at: ProviderAddresses
) -> dict[str, Any]:
    needs, code = _sign_ins(visit), query_of(visit.request).one("code")
    if not code or len(code) > _LONGEST_CODE:
        raise SignInRefused("code")
    sealed = provider.sealed_secret
    secret = open_sealed(needs.master, sealed).decode() if sealed is not None else None
    fields = {"code": code, "code_verifier": attempt.verifier, "redirect_uri": _own_address(visit, BACK)}
    tokens = await needs.client.tokens(at, provider.client_id, secret, fields)
    claims = oidc.checked_claims(
        tokens.identity,
        await needs.client.keys(at),
        issuer=at.issuer,
        client_id=provider.client_id,
        nonce=attempt.nonce,
        access_token=tokens.access,
        now=needs.clock(),
    )
    if oidc.missing_claims(claims, provider.rules):
        claims = await needs.client.person(at, tokens.access, claims["sub"]) | claims
    return claims


def _attempt(visit: Visit) -> SignInAttempt | None:
    """The attempt of this browser that the provider answers."""
    needs, sealed = _sign_ins(visit), visit.request.cookies.get(_ATTEMPT_COOKIE, "")
    if not sealed or len(sealed) > _LONGEST_ATTEMPT:
        return None
    try:
        found = SignInAttempt.from_bytes(open_sealed(needs.master, sealed.encode()), needs.clock())
    except WrongMasterKey:
        return None
    state = query_of(visit.request).one("state")
    return found if found and hmac.compare_digest(found.state.encode(), state.encode()) else None


def _refused(visit: Visit, provider: OidcProvider, refused: SignInRefused) -> Response:
    log.info("oidc_sign_in_refused", tenant=provider.tenant, reason=refused.reason)
    held = {claim: oidc.values_of(refused.claims, claim)[:_SHOWN] for _, claim, _ in provider.rules}
    return visit.page(
        "no_role.html",
        403,
        reason=refused.reason,
        provider=provider,
        host=urlsplit(provider.issuer).hostname,
        name=oidc.name_of(refused.claims),
        held={claim: values for claim, values in held.items() if values},
    )


async def _failed(visit: Visit, provider: OidcProvider, error: ProviderUnavailable) -> Response:
    log.warning("oidc_provider_failed", tenant=provider.tenant, reason=str(error))
    problem = visit.say("The sign-in of your company can't be reached right now. Try again, or sign in with a key.")
    return await sign_in_page(visit, 503, problem=problem)


async def _provider(visit: Visit) -> OidcProvider:
    found = await find_provider(_sign_ins(visit).engine, visit.request.path_params["tenant"])
    if found is None:
        raise Problem(NOT_FOUND)
    return found


def _own_address(visit: Visit, path: str) -> str:
    """An address of the console as the provider and the browser know it."""
    url = visit.request.url
    return (_sign_ins(visit).public_url or f"{url.scheme}://{url.netloc}").rstrip("/") + path


def _sign_ins(visit: Visit) -> SignIns:
    found: SignIns = visit.request.app.state.sign_ins
    return found


ROUTES: Final = (
    PageRoute(BACK, finish, None),
    PageRoute("/console/oidc/{tenant}", start, None),
    PageRoute("/console/oidc/{tenant}/sign-out", sign_out_there, None),
)
