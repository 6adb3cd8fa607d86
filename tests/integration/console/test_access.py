"""An admin sees who can get in, and ends it: for people, for links and for keys, of one tenant alone."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from itertools import count

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.core.roles import SCOPES_OF
from services.console.main import console_service
from services.control.access import access_service, keep_noting_uses
from services.control.auth import Authenticator
from services.control.console_sessions import add_link, begin_by_key, begin_by_link, begin_by_provider
from services.control.keys import add_key, find_key, list_keys
from services.control.tenants import add_tenant
from services.runtime.application import application
from services.runtime.cancelling import cancel_all
from services.runtime.database import open_engine
from services.runtime.settings import Settings
from tests.support.keys import admitted

ORIGIN = "http://127.0.0.1:8080"


class Doors:
    """The console of two tenants, and browsers that are signed in to it."""

    def __init__(self, app: FastAPI, engine: AsyncEngine, stack: AsyncExitStack) -> None:
        self.app, self.engine, self._stack, self._numbers = app, engine, stack, count()

    async def browser(self, secret: str) -> httpx.AsyncClient:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ORIGIN)
        client.cookies.set("onefold_session", secret)
        client.cookies.set("onefold_language", "en")
        return await self._stack.enter_async_context(client)

    async def a_person(self, role: str, name: str, tenant: str = "demo") -> httpx.AsyncClient:
        scopes = SCOPES_OF[role]  # type: ignore[index]  # it is one
        state = str(next(self._numbers))
        begun = begin_by_provider(self.engine, tenant, scopes, name=name, person=f"oidc:{name}", state=state)
        return await self.browser(await begun)


@pytest.fixture
async def doors(database: str) -> AsyncIterator[Doors]:
    settings = Settings(database=database, secret_key=SecretStr("a master key"))
    app = application(access_service(settings), console_service(settings), title="Onefold")
    async with app.router.lifespan_context(app), open_engine(database) as engine, AsyncExitStack() as stack:
        app.state.authenticator = Authenticator(partial(find_key, engine), 60, app.state.key_guard)
        for tenant in ("demo", "other"):
            await add_tenant(engine, tenant)
        yield Doors(app, engine, stack)


async def page_of(browser: httpx.AsyncClient, path: str = "/console/access") -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def send(browser: httpx.AsyncClient, path: str, status: int, **fields: str) -> str:
    token = re.findall(r'name="csrf_token" value="([0-9a-f]+)"', (await browser.get("/console/nothing")).text)[0]
    answer = await browser.post(path, data={"csrf_token": token, **fields}, headers={"origin": ORIGIN})
    assert answer.status_code == status, answer.text
    return answer.text


async def is_in(browser: httpx.AsyncClient) -> bool:
    return "csrf_token" in (await browser.get("/console/nothing")).text


async def test_signing_out_everywhere_ends_all_sessions_of_one_person_alone(doors: Doors) -> None:
    admin, other = await doors.a_person("admin", "Amy"), await doors.a_person("admin", "Amy", "other")
    ben = [await doors.a_person("viewer", "<Ben>") for _ in range(2)]
    page = await page_of(admin)
    assert "&lt;Ben&gt;" in page
    assert "Ben" not in await page_of(other)
    await send(other, "/console/access/people/sign-out", 303, person="oidc:<Ben>")
    assert [await is_in(one) for one in ben] == [True, True]
    await send(admin, "/console/access/people/sign-out", 303, person="oidc:<Ben>")
    assert [await is_in(one) for one in (*ben, admin, other)] == [False, False, True, True]
    # and anybody does so alone
    again = await doors.a_person("admin", "Amy")
    await send(again, "/console/sign-out", 303, everywhere="1")
    assert [await is_in(one) for one in (again, admin, other)] == [False, False, True]


async def test_a_link_is_made_shown_once_used_once_and_can_be_removed(doors: Doors) -> None:
    admin, other = await doors.a_person("admin", "Amy"), await doors.a_person("admin", "Zoe", "other")
    shown = await send(admin, "/console/access/links", 200, name="Ben <b>", role="marketer")
    secret = re.findall(rf"{ORIGIN}/console/link/([\w-]+)", shown)[0]
    assert secret not in await page_of(admin)
    link = re.findall(r'name="link" value="([0-9a-f]{64})"', await page_of(admin))[0]
    assert link not in await page_of(other)
    for wrong in (link, "0" * 64):
        await send(other, "/console/access/links/remove", 409, link=wrong)
    await send(other, "/console/access/links/remove", 422, link="x")
    await begin_by_link(doors.engine, secret)
    await send(admin, "/console/access/links/remove", 409, link=link)
    unused = await add_link(doors.engine, "demo", ["admin"], "unused")
    link = re.findall(r'name="link" value="([0-9a-f]{64})"', await page_of(admin))[0]
    await send(admin, "/console/access/links/remove", 303, link=link)
    with pytest.raises(Exception, match="used already"):
        await begin_by_link(doors.engine, unused)
    for role, name in (("operator", "x"), ("boss", "x"), ("viewer", " ")):  # none is higher than one's own
        await send(admin, "/console/access/links", 422, name=name, role=role)


async def test_a_key_is_made_shown_once_and_does_no_more_than_its_maker(doors: Doors) -> None:
    admin, other = await doors.a_person("admin", "Amy"), await doors.a_person("admin", "Zoe", "other")
    wanted = {"name": "<CRM>", "scope": "customers:read"}
    shown = await send(admin, "/console/access/keys", 201, **wanted)
    (key,) = re.findall(r'value="(of_[\w-]{43})"', shown)
    assert "&lt;CRM&gt;" in shown
    assert key not in await page_of(admin)
    assert key[:9] not in await page_of(other)
    (kept,) = await list_keys(doors.engine, "demo")
    assert (kept.name, kept.scopes, kept.last_used_at) == ("<CRM>", ("customers:read",), None)
    # of what is wrong nothing comes, and nothing that was typed is lost
    for wrong in ({"name": " "}, {"scope": "boss"}, {"scope": "operator"}):
        again = await send(admin, "/console/access/keys", 422, **wanted | wrong)
        assert "Say what the key is for" in again
    assert 'value="&lt;CRM&gt;"' in again
    await send(await doors.a_person("marketer", "Mei"), "/console/access/keys", 403, **wanted)
    assert len(await list_keys(doors.engine, "demo")) == 1
    # when it was used last
    assert "never" in (await page_of(admin)).partition(key[:9])[2].partition("</tr>")[0]
    authenticator: Authenticator = doors.app.state.authenticator
    await admitted(authenticator, f"Bearer {key}", "customers:read")
    noting = asyncio.create_task(keep_noting_uses(doors.engine, doors.app.state.key_guard.used, 0.01))
    async with asyncio.timeout(240):
        while (await list_keys(doors.engine, "demo"))[0].last_used_at is None:
            await asyncio.sleep(0.01)
    await cancel_all(noting)
    assert "never" not in (await page_of(admin)).partition(key[:9])[2].partition("</tr>")[0]


async def test_a_key_is_revoked_with_its_sessions_and_only_by_its_tenant(doors: Doors) -> None:
    admin, other = await doors.a_person("admin", "Amy"), await doors.a_person("admin", "Zoe", "other")
    key = await add_key(doors.engine, "demo", ["customers:read"], name="shop")
    holder = await doors.browser(await begin_by_key(doors.engine, key))
    assert key[:9] in await page_of(admin)
    await send(other, "/console/access/keys/revoke", 409, key=key[:9])
    assert await is_in(holder)
    await send(admin, "/console/access/keys/revoke", 303, key=key[:9])
    assert not await is_in(holder)
    assert key[:9] not in await page_of(admin)
    for browser in (await doors.a_person("marketer", "Mei"), await doors.a_person("viewer", "Vic")):
        assert (await browser.get("/console/access")).status_code == 403
        await send(browser, "/console/access/links", 403, name="x", role="viewer")
