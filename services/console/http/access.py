"""People and access: who is signed in, links that sign in once, and API keys. An admin ends and makes them here."""

from typing import Any, Final

from starlette.responses import Response

from projections.migrations.tables import SCOPES
from services.console.core.roles import ROLES, SCOPES_OF, ConsoleRole, includes, role_of, scope_name
from services.console.http.pages import PageRoute
from services.console.http.sessions import forget_sessions
from services.console.http.visits import SentFields, Visit, query_of, redirect
from services.control.console_access import end_sessions_of, list_links, list_people, remove_link
from services.control.console_sessions import add_link
from services.control.errors import UnknownKey, UnknownLink
from services.control.keys import add_key, list_keys, revoke_key
from services.control.oidc_providers import find_provider
from services.runtime.api import Access
from services.runtime.problems import INVALID_REQUEST, Problem

PATH: Final = "/console/access"
_ACCESS: Final = Access("admin")
_LONGEST_NAME: Final = 100
_HASH_BYTES: Final = 32


async def show_access(visit: Visit) -> Response:
    """Who is signed in or can sign in, and by which way."""
    return await _page(visit)


async def make_link(visit: Visit) -> Response:
    """Make a link that signs in once. It is shown this once, and never gives a higher role than the maker's."""
    form = await visit.form()
    role = next((one for one in _givable(visit) if one == form.one("role")), None)
    name = form.one("name").strip()[:_LONGEST_NAME]
    if role is None or not name:
        return await _page(visit, 422, problem=visit.say("Say whom the link is for, and choose a role."))
    secret = await add_link(visit.request.app.state.console_engine, visit.tenant, SCOPES_OF[role], name)
    url = visit.request.url
    base = visit.request.app.state.sign_ins.public_url or f"{url.scheme}://{url.netloc}"
    return await _page(visit, link=f"{base.rstrip('/')}/console/link/{secret}", link_for=name)


async def drop_link(visit: Visit) -> Response:
    """Remove a link that nobody has used."""
    form = await visit.form()
    try:
        await remove_link(visit.request.app.state.console_engine, visit.tenant, _hash_in(form))
    except UnknownLink:
        return await _page(visit, 409, problem=visit.say("This link was used or removed already."))
    return redirect(f"{PATH}?done=link")


async def sign_out_person(visit: Visit) -> Response:
    """End all sessions of a person."""
    form = await visit.form()
    await end_sessions_of(visit.request.app.state.console_engine, visit.tenant, form.one("person"))
    forget_sessions(visit)
    return redirect(f"{PATH}?done=person")


async def make_key(visit: Visit) -> Response:
    """Make an API key. It is shown this once, and may do nothing that its maker may not."""
    form = await visit.form()
    scopes = [one for one in _grantable(visit) if one in form.all("scope")]
    name = form.one("name").strip()[:_LONGEST_NAME]
    if not scopes or not name:
        problem = visit.say("Say what the key is for, and choose what it may do.")
        return await _page(visit, 422, key_problem=problem, key_name=name, key_scopes=scopes)
    made = await add_key(visit.request.app.state.console_engine, visit.tenant, scopes, name=name)
    return await _page(visit, 201, key=made, key_for=name)


async def drop_key(visit: Visit) -> Response:
    """Revoke an API key for good."""
    form = await visit.form()
    try:
        await revoke_key(visit.request.app.state.console_engine, form.one("key"), visit.tenant)
    except UnknownKey:
        return await _page(visit, 409, problem=visit.say("This key was revoked already."))
    forget_sessions(visit)
    return redirect(f"{PATH}?done=key")


async def _page(visit: Visit, status: int = 200, **shown: Any) -> Response:
    engine = visit.request.app.state.console_engine
    keys = [one for one in await list_keys(engine, visit.tenant) if one.revoked_at is None]
    values: dict[str, Any] = {
        "problem": None,
        "link": None,
        "link_for": "",
        "key": None,
        "key_for": "",
        "key_problem": None,
        "key_name": "",
        "key_scopes": [],
        "done": query_of(visit.request).one("done"),
    }
    return visit.page(
        "access/page.html",
        status,
        people=await list_people(engine, visit.tenant),
        links=await list_links(engine, visit.tenant),
        keys=keys,
        provider=await find_provider(engine, visit.tenant),
        roles=_givable(visit),
        scopes=[(one, scope_name(one, visit.say)) for one in _grantable(visit)],
        role_of=role_of,
        **values | shown,
    )


def _givable(visit: Visit) -> list[ConsoleRole]:
    """The roles that somebody may give to others: those that the own one includes."""
    return [one for one in ROLES if includes(visit.role, one)]


def _grantable(visit: Visit) -> list[str]:
    """The scopes that a key may get: ``operator``, which is about all brands, only from who has it."""
    return [one for one in SCOPES if visit.may(one)]


def _hash_in(form: SentFields) -> bytes:
    try:
        found = bytes.fromhex(form.one("link"))
    except ValueError:
        found = b""
    if len(found) != _HASH_BYTES:
        raise Problem(INVALID_REQUEST)
    return found


ROUTES: Final = (
    PageRoute(PATH, show_access, _ACCESS),
    PageRoute(f"{PATH}/links", make_link, _ACCESS, "POST"),
    PageRoute(f"{PATH}/links/remove", drop_link, _ACCESS, "POST"),
    PageRoute(f"{PATH}/people/sign-out", sign_out_person, _ACCESS, "POST"),
    PageRoute(f"{PATH}/keys", make_key, _ACCESS, "POST"),
    PageRoute(f"{PATH}/keys/revoke", drop_key, _ACCESS, "POST"),
)
