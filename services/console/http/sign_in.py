"""Signing in with an API key or a one-time link, signing out, and the choice of language and theme."""

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from services.console.core.words import LANGUAGE_NAMES
from services.console.http.pages import PageRoute
from services.console.http.rendering import assets
from services.console.http.sessions import forget_sessions
from services.console.http.sign_in_page import SIGN_IN, sign_in_page
from services.console.http.visits import (
    HOME,
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    THEME_COOKIE,
    THEMES,
    Visit,
    query_of,
    redirect,
    safe_address,
)
from services.control.console_access import end_sessions_of
from services.control.console_sessions import SESSION_LASTS, begin_by_key, begin_by_link, end_session
from services.control.errors import UnknownKey
from services.control.oidc_providers import BY_PROVIDER
from services.runtime.problems import NOT_FOUND, Problem

_YEAR: Final = 365 * 24 * 3600  # seconds
_PREFERENCES: Final = (("language", LANGUAGE_COOKIE, LANGUAGE_NAMES), ("theme", THEME_COOKIE, THEMES))


async def home(_: Visit) -> Response:
    """The first page."""
    return redirect(HOME)


async def sign_in(visit: Visit) -> Response:
    """The page that asks for a key, or leads to a provider."""
    if visit.session is not None:
        return redirect(HOME)
    query = query_of(visit.request)
    return await sign_in_page(visit, next=query.one("next") or HOME, signed_out=bool(query.one("signed_out")))


async def begin_session(visit: Visit) -> Response:
    """Begin a session with an API key."""
    form = await visit.form()
    going_on = safe_address(form.one("next"))
    try:
        secret = await begin_by_key(visit.request.app.state.console_engine, form.one("key").strip())
    except UnknownKey:
        problem = visit.say("This key is unknown or was revoked. Check that it was copied whole.")
        return await sign_in_page(visit, 401, next=going_on, problem=problem)
    return _begun(visit, secret, going_on)


async def offer_link(visit: Visit) -> Response:
    """A one-time link. It is used up by the button, so that a preview of the link does not use it up."""
    return visit.page("link.html", secret=visit.request.path_params["secret"])


async def use_link(visit: Visit) -> Response:
    """Begin a session with a one-time link."""
    form = await visit.form()
    try:
        secret = await begin_by_link(visit.request.app.state.console_engine, form.one("secret"))
    except UnknownKey:
        problem = visit.say("This link was used already, or is older than an hour. Ask for a new one.")
        return await sign_in_page(visit, 401, problem=problem)
    return _begun(visit, secret, HOME)


def _begun(visit: Visit, secret: str, address: str) -> Response:
    response = redirect(address)
    visit.set_cookie(response, SESSION_COOKIE, secret, lasts=int(SESSION_LASTS.total_seconds()))
    return response


async def sign_out(visit: Visit) -> Response:
    """End the session, in the database too; ``everywhere`` ends all of the person."""
    form, engine = await visit.form(), visit.request.app.state.console_engine
    if visit.session is not None:
        await end_session(engine, visit.session.session_hash)
        if form.one("everywhere"):
            await end_sessions_of(engine, visit.tenant, visit.session.person)
        forget_sessions(visit)
    response = redirect(_after(visit))
    visit.set_cookie(response, SESSION_COOKIE, "", lasts=0)
    return response


def _after(visit: Visit) -> str:
    """Where somebody is who signed out; of a provider's account one may want to sign out too."""
    known = {"signed_out": "1"}
    if visit.session is not None and visit.session.person.startswith(BY_PROVIDER):
        known["tenant"] = visit.session.tenant
    return f"{SIGN_IN}?{urlencode(known)}"


async def choose(visit: Visit) -> Response:
    """Keep the language or the theme that was chosen, and go back to the page."""
    form = await visit.form()
    response = redirect(safe_address(form.one("next")))
    for field, cookie, known in _PREFERENCES:
        if (value := form.one(field)) in known:
            visit.set_cookie(response, cookie, value, lasts=_YEAR)
    return response


async def asset(visit: Visit) -> Response:
    """A file that pages load."""
    found = assets().get(visit.request.path_params["name"])
    if found is None:
        raise Problem(NOT_FOUND)
    content, kind = found
    return Response(content, media_type=kind, headers={"Cache-Control": "public, max-age=31536000, immutable"})


ROUTES: Final = (
    PageRoute("/console", home, None),
    PageRoute("/console/", home, None),
    PageRoute(SIGN_IN, sign_in, None),
    PageRoute(SIGN_IN, begin_session, None, "POST"),
    PageRoute("/console/link/{secret}", offer_link, None),
    PageRoute("/console/link", use_link, None, "POST"),
    PageRoute("/console/sign-out", sign_out, None, "POST"),
    PageRoute("/console/preferences", choose, None, "POST"),
    PageRoute("/console/static/{name}", asset, None),
)
