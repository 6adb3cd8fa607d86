"""Nothing that was typed is lost: not with a session that ended, and not while a server is away."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Final

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import Response

from services.console.http.pages import PageRoute
from services.console.http.visits import SESSION_COOKIE, Visit
from services.control.auth import Authenticator
from services.control.console_sessions import ConsoleSession
from services.ingress.ports import LogUnavailable
from services.runtime.api import Access
from tests.support.keys import a_guard, finding

ORIGIN: Final = "http://onefold"
TYPED: Final = '"><script> 100 % 王 '
FORM: Final = {"note": TYPED, "kind": ["a", "b"], "csrf_token": "of an earlier session"}


class Site:
    """A page that keeps what it takes; ``away`` is raised in place of that."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.away: Exception | None = None
        self.app = FastAPI()
        self.app.state.find_session, self.app.state.clock = self.find, lambda: 0
        self.app.state.authenticator = Authenticator(finding({}), 60, a_guard())
        self.app.router.routes.append(
            PageRoute("/console/page", self.endpoint, Access("customers:read", recorded=False), "POST")
        )
        self.browser = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ORIGIN)
        self.browser.cookies.set("onefold_language", "en")

    async def find(self, secret: str) -> ConsoleSession | None:
        if secret != "live":
            return None
        return ConsoleSession(b"hash", "demo", "Brand & Co", "TW", frozenset(["admin"]), "console", "Amy", "link:Amy")

    async def endpoint(self, visit: Visit) -> Response:
        form = await visit.form()
        if self.away is not None:
            raise self.away
        self.taken = form.pairs()
        return Response("taken")

    async def send(self, fields: list[tuple[str, str]] | Mapping[str, object], **headers: str) -> httpx.Response:
        data = (
            fields if isinstance(fields, Mapping) else {name: [v for n, v in fields if n == name] for name, _ in fields}
        )
        return await self.browser.post("/console/page?x=1", data=data, headers={"origin": ORIGIN, **headers})


def form_in(page: str) -> list[tuple[str, str]]:
    """The fields of the form that sends again, as a browser reads them."""

    (form,) = re.findall(r'<form method="post" action="/console/page\?x=1".*?</form>', page, re.DOTALL)
    return [(unescape(n), unescape(v)) for n, v in re.findall(r'name="([^"]*)" value="([^"]*)"', form)]


async def test_a_form_whose_session_ended_is_kept_until_somebody_is_signed_in() -> None:
    site = Site()
    ended = await site.send(dict(FORM))
    assert ended.status_code == 401
    assert form_in(ended.text) == [("note", TYPED), ("kind", "a"), ("kind", "b")]
    site.browser.cookies.set(SESSION_COOKIE, "live")
    asked = await site.send(form_in(ended.text))
    assert (asked.status_code, site.taken) == (403, [])
    assert "You are signed in to Brand &amp; Co as Amy" in asked.text
    again = form_in(asked.text)
    assert [one for one in again if one[0] != "csrf_token"] == form_in(ended.text)
    assert (await site.send(again)).text == "taken"
    assert site.taken == again


@pytest.mark.parametrize("status", [500, 503])
async def test_while_something_is_away_the_page_of_the_error_keeps_the_form(status: int) -> None:
    site = Site()
    site.browser.cookies.set(SESSION_COOKIE, "live")
    token = dict(form_in((await site.send(dict(FORM))).text))["csrf_token"]
    site.away = LogUnavailable() if status == 503 else RuntimeError()
    failed = await site.send(FORM | {"csrf_token": token})
    assert failed.status_code == status
    site.away = None
    assert (await site.send(form_in(failed.text))).text == "taken"
    assert ("note", TYPED) in site.taken


async def test_a_form_of_another_website_is_never_offered() -> None:
    site = Site()
    for secret in ("ended", "live"):
        site.browser.cookies.set(SESSION_COOKIE, secret)
        answer = await site.send(dict(FORM), origin="https://evil.example")
        assert (answer.status_code, "100 %" in answer.text) == (403, False)


async def test_a_file_is_not_kept_and_its_form_leads_to_signing_in() -> None:
    answer = await Site().send(dict(FORM), **{"content-type": "multipart/form-data; boundary=x"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")


async def test_nul_characters_are_left_out_of_what_is_typed_and_no_place_has_one() -> None:
    site = Site()
    site.browser.cookies.set(SESSION_COOKIE, "live")
    token = dict(form_in((await site.send({"note": "a\0b"})).text))["csrf_token"]
    assert (await site.send({"note": "a\0b", "csrf_token": token})).text == "taken"
    assert ("note", "ab") in site.taken
