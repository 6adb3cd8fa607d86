"""Signing in at a real OpenID provider, of which only the browser between it and the console is missing."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.main import console_service
from services.control.access import access_service
from services.control.console_sessions import ConsoleSession, find_session
from services.control.oidc_providers import OidcProvider, remove_provider, set_provider
from services.control.tenants import add_tenant
from services.runtime.application import application
from services.runtime.database import open_engine
from services.runtime.secrets import seal
from services.runtime.settings import Settings
from tests.support.openid import openid_provider

# The provider is made of parts that its makers' libraries will not keep.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
MASTER = "a master key"
BACK = "/console/oidc/callback"
RULES = (("viewer", "hd", "brand.example"), ("admin", "groups", "admins"))
PEOPLE = {
    "amy": {"name": "Amy <b>", "email": "amy@brand.example", "email_verified": True, "groups": ["admins", "x"]},
    "ben": {"email": "ben@brand.example", "email_verified": True, "hd": "brand.example"},
    "eve": {"email": "eve@elsewhere.example", "email_verified": True, "groups": ["<script>"]},
    "new": {"email": "new@brand.example", "email_verified": False, "groups": ["admins"]},
}


@dataclass
class World:
    """The console's application and engine, the provider, and one browser's cookies."""

    app: FastAPI
    engine: AsyncEngine
    provider: OidcProvider
    browser: httpx.AsyncClient

    async def at_provider(self, who: str, path: str = "/console/oidc/demo") -> str:
        """Begin to sign in, let the provider know who it is, and return the address that it leads to."""
        begun = await self.browser.get(path)
        assert begun.status_code == 303, begun.text
        asked = begun.headers["location"]
        back = await self.name_to_provider(asked, who)
        return back if who else f"{back}&state={parse_qs(urlsplit(asked).query)['state'][0]}"  # it leaves that out

    async def name_to_provider(self, address: str, who: str) -> str:
        async with httpx.AsyncClient() as client:
            answer = await client.post(address, data={"sub": who} if who else {"action": "deny"})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    async def session(self) -> ConsoleSession | None:
        """The session of the browser."""
        return await find_session(self.engine, self.browser.cookies.get("onefold_session") or "")


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with openid_provider(PEOPLE) as address:
        yield address


@asynccontextmanager
async def a_browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture
async def world(database: str, issuer: str) -> AsyncIterator[World]:
    settings = Settings(database=database, secret_key=SecretStr(MASTER))
    app = application(access_service(settings), console_service(settings), title="Onefold")
    async with app.router.lifespan_context(app), open_engine(database) as engine, a_browser(app) as browser:
        for tenant in ("demo", "other"):
            await add_tenant(engine, tenant)
        provider = OidcProvider(
            "demo", issuer, "onefold", seal(MASTER, b"s3cret"), (), RULES, "IT, ext. 7", any_email=False
        )
        await set_provider(engine, provider)
        yield World(app, engine, provider, browser)


async def test_people_get_the_role_of_their_groups_and_the_session_has_their_name(world: World) -> None:
    page = await world.browser.get("/console/customers?q=a")
    assert page.status_code == 401
    way = unescape(re.findall(r'href="(/console/oidc/demo[^"]*)"', page.text)[0])
    back = await world.at_provider("amy", way)
    assert back.startswith("http://127.0.0.1:8080/console/oidc/callback?")
    done = await world.browser.get(back)
    assert (done.status_code, done.headers["location"]) == (303, "/console/customers?q=a")
    session = await world.session()
    assert session is not None
    assert (session.tenant, sorted(session.scopes)) == ("demo", ["admin"])
    assert session.name == "Amy <b> (amy@brand.example)"
    shown = await world.browser.get("/console/nothing")
    assert "Amy &lt;b&gt; (amy@brand.example)" in shown.text
    # the same answer of the provider begins nothing else, in this browser or another one
    assert (await world.browser.get(back)).status_code == 400
    async with a_browser(world.app) as another:
        assert (await another.get(back)).status_code == 400
        assert "onefold_session" not in another.cookies
    # signing out ends the session, and leads to the provider's page for it
    token = re.findall(r'name="csrf_token" value="([0-9a-f]+)"', shown.text)[0]
    own = {"origin": "http://127.0.0.1:8080"}
    out = await world.browser.post("/console/sign-out", data={"csrf_token": token}, headers=own)
    assert "/console/oidc/demo/sign-out" in (await world.browser.get(out.headers["location"])).text
    there = await world.browser.get("/console/oidc/demo/sign-out")
    assert there.headers["location"].startswith(f"{world.provider.issuer}/oauth2/end_session?")
    assert await world.session() is None


async def test_a_state_begins_one_session_even_with_a_copied_cookie_and_another_code(world: World) -> None:
    begun = await world.browser.get("/console/oidc/demo")
    sealed = world.browser.cookies["onefold_sign_in"]
    for status in (303, 400):
        back = await world.name_to_provider(begun.headers["location"], "ben")
        async with a_browser(world.app) as browser:
            browser.cookies.set("onefold_sign_in", sealed)
            answer = await browser.get(back)
            assert answer.status_code == status, answer.text
            assert ("onefold_session" in browser.cookies) == (status == 303)


async def test_who_gets_no_role_is_told_what_to_do(world: World) -> None:
    told = {"eve": ("IT, ext. 7", "&lt;script&gt;"), "new": ("尚未驗證",), "": ("您中途停止了",)}
    for who, sentences in told.items():
        answer = await world.browser.get(await world.at_provider(who))
        assert (answer.status_code, [one for one in sentences if one not in answer.text]) == (403, []), answer.text
        assert await world.session() is None


async def test_an_answer_for_another_attempt_begins_nothing(world: World) -> None:
    first = await world.at_provider("amy")
    second = await world.at_provider("amy")
    code = urlsplit(second).query.split("&")[0]
    for strange in (first, f"{BACK}?state=x&{code}", BACK, f"{second}&iss=https://evil.example"):
        async with a_browser(world.app) as browser:
            browser.cookies.set("onefold_sign_in", world.browser.cookies["onefold_sign_in"])
            answer = await browser.get(strange)
            assert answer.status_code in {400, 403}, (strange, answer.text)
            assert "onefold_session" not in browser.cookies
    for broken in ("", "x", "x" * 5000, seal("another master", b"{}").decode(), seal(MASTER, b"{}").decode()):
        async with a_browser(world.app) as browser:
            browser.cookies.set("onefold_sign_in", broken)
            assert (await browser.get(second)).status_code == 400
    world.app.state.sign_ins = replace(world.app.state.sign_ins, clock=lambda: int(4e9))
    assert (await world.browser.get(second)).status_code == 400  # it took too long
    assert await world.session() is None


async def test_a_token_that_has_expired_or_is_for_another_client_begins_nothing(world: World) -> None:
    back = await world.at_provider("amy")
    real = world.app.state.sign_ins
    later = [real.clock(), real.clock() + int(timedelta(days=1).total_seconds())]
    world.app.state.sign_ins = replace(real, clock=lambda: later.pop(0) if len(later) > 1 else later[0])
    assert (await world.browser.get(back)).status_code == 403
    world.app.state.sign_ins = real
    back = await world.at_provider("amy")
    await set_provider(world.engine, replace(world.provider, client_id="another"))
    assert (await world.browser.get(back)).status_code in {403, 503}
    assert await world.session() is None


async def test_while_the_provider_is_away_a_page_says_so_and_keys_work(world: World) -> None:
    back = await world.at_provider("amy")
    for away in ("http://127.0.0.1:9", f"{world.provider.issuer}/jwks", f"{world.provider.issuer}/nothing"):
        await set_provider(world.engine, replace(world.provider, issuer=away))
        for path in ("/console/oidc/demo", "/console/oidc/demo/sign-out"):
            answer = await world.browser.get(path)
            assert answer.status_code == 503
            assert 'name="key"' in answer.text
    answer = await world.browser.get(back)
    assert answer.status_code in {400, 503}
    assert await world.session() is None


async def test_a_changed_or_removed_provider_ends_its_sessions(world: World) -> None:
    for change in (set_provider(world.engine, world.provider), remove_provider(world.engine, "demo")):
        await world.browser.get(await world.at_provider("ben"))
        session = await world.session()
        assert session is not None
        assert session.scopes == {"customers:read"}
        await change
        assert await world.session() is None
    assert (await world.browser.get("/console/oidc/demo")).status_code == 404
    assert "/console/oidc" not in (await world.browser.get("/console/sign-in")).text


async def test_with_several_providers_the_brand_is_asked_for(world: World) -> None:
    await set_provider(world.engine, replace(world.provider, tenant="other"))
    page = (await world.browser.get("/console/sign-in")).text
    assert "/console/oidc/" not in page
    assert 'name="tenant"' in page
    assert "/console/oidc/other" in (await world.browser.get("/console/sign-in?tenant=other")).text
    assert (await world.browser.get("/console/oidc/nobody")).status_code == 404
    assert 'role="alert"' in (await world.browser.get("/console/sign-in?tenant=nobody%00")).text
