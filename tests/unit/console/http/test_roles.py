"""Which role may see which page and send which form: every one of the console, by everybody."""

from collections.abc import AsyncIterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Final

import httpx
import pytest
from pydantic import SecretStr
from starlette.requests import Request

from services.console.core.roles import ROLES, SCOPES_OF, ConsoleRole, includes, least_role, role_of
from services.console.http.visits import SESSION_COOKIE, Visit
from services.console.main import PAGES
from services.control.auth import Authenticator
from services.control.console_sessions import ConsoleSession
from services.embedded.http import create_app
from services.runtime.settings import Settings
from tests.support.keys import a_guard, finding

SETTINGS = Settings(database="postgresql://nowhere", kafka="nowhere:1", secret_key=SecretStr("a master key"))
APP = create_app(SETTINGS)
# The least role of pages about more than one customer, of those about people, and of one event that joins members.
LEAST: Final[dict[str, ConsoleRole]] = {
    "GET /console/bulk-actions": "marketer",
    "POST /console/bulk-actions": "marketer",
    "POST /console/segments": "marketer",
    "POST /console/exports": "marketer",
    "GET /console/imports/new": "marketer",
    "POST /console/imports": "marketer",
    "POST /console/imports/{upload}/check": "marketer",
    "POST /console/imports/{upload}/run": "marketer",
    "POST /console/jobs/{job}/cancel": "marketer",
    "POST /console/jobs/{job}/undo": "marketer",
    "GET /console/jobs/{job}/file": "marketer",
    "POST /console/customers/{customer}/unsubscribe": "agent",
    "GET /console/identity/decision": "agent",
    "POST /console/identity/decision": "agent",
    "POST /console/identity/merge": "admin",
    "GET /console/access": "admin",
    "POST /console/access/links": "admin",
    "POST /console/access/links/remove": "admin",
    "POST /console/access/people/sign-out": "admin",
    "POST /console/access/keys/revoke": "admin",
}
GUARDED = [(min(page.methods or ()).replace("HEAD", "GET"), page) for page in PAGES if page.access is not None]


def a_session(role: ConsoleRole) -> ConsoleSession:
    scopes = frozenset(SCOPES_OF[role])
    return ConsoleSession(b"hash", "demo", "Demo", "TW", scopes, "console", f"the {role}", f"link:{role}")


async def find_session(secret: str) -> ConsoleSession | None:
    return a_session(secret) if secret in ROLES else None


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Visits the pages; nothing is behind them, so a page that may be seen fails with a 500."""
    authenticator = Authenticator(finding({}), 60, a_guard())
    APP.state.authenticator, APP.state.find_session = authenticator, find_session
    APP.state.ingress = SimpleNamespace(authenticator=authenticator, settings=SETTINGS)
    transport = httpx.ASGITransport(APP, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as made:
        yield made


@pytest.mark.parametrize(("method", "page"), GUARDED, ids=[f"{method} {page.path}" for method, page in GUARDED])
async def test_a_page_is_for_its_role_and_those_above(method: str, page: object, client: httpx.AsyncClient) -> None:
    path, access = page.path, page.access  # type: ignore[attr-defined]  # a page has both
    least = LEAST.get(f"{method} {path}", page.role or least_role(access.scope))  # type: ignore[attr-defined]
    assert method == "GET" or least != "viewer", "viewers change nothing: give the route a scope or a role"
    address = path.replace("{", "").replace("}", "")
    for role in ROLES:
        token = Visit(Request({"type": "http", "headers": []}), a_session(role), role, 0).token
        headers = {
            "origin": "http://test",
            "x-csrf-token": token,
            "cookie": f"{SESSION_COOKIE}={role}; onefold_language=en",
        }
        answer = await client.request(method, address, headers=headers)
        assert (role, answer.status_code == 403) == (role, not includes(role, least))
        if answer.status_code == 403:
            assert f"It needs the role {least}. You are signed in as the {role}, with the role {role}." in answer.text
    nobody = await client.request(method, address, headers={"hx-request": "true"})
    assert (nobody.status_code, nobody.headers["hx-redirect"]) == (204, "/console/sign-in")


def test_the_table_names_pages_that_there_are() -> None:
    assert LEAST.keys() <= {f"{method} {page.path}" for method, page in GUARDED}


def test_a_higher_role_has_the_scopes_of_a_lower_one_and_each_is_recognised() -> None:
    for lower, higher in pairwise(ROLES):
        assert "admin" in SCOPES_OF[higher] or set(SCOPES_OF[lower]) <= set(SCOPES_OF[higher])
    assert [role_of(SCOPES_OF[role]) for role in ROLES] == list(ROLES)
    assert role_of(["events:write"]) is None
    assert not includes(None, "viewer")
