from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import Response

from services.console.http.pages import PageRoute
from services.console.http.visits import SESSION_COOKIE, Visit
from services.console.main import PAGES
from services.ingress.ports import LogUnavailable

SECRET: Final = "what nobody may see"
HEADINGS: Final = {500: "Something went wrong", 503: "The data can't be reached right now"}


def raising(error: Exception) -> Any:
    async def endpoint(visit: Visit) -> Response:  # noqa: ARG001 - a page's shape
        raise error

    return endpoint


async def ask(
    error: Exception, *, finding: Exception | None = None, headers: dict[str, str] | None = None
) -> httpx.Response:
    """The answer of a page that raises; ``finding`` is raised where the session is looked up."""

    async def find(_: str) -> None:
        if finding is not None:
            raise finding

    app = FastAPI()
    app.state.find_session, app.state.clock = find, lambda: 0
    app.router.routes.append(PageRoute("/console/page", raising(error), None))
    cookies = {SESSION_COOKIE: "s", "onefold_language": "en"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://onefold", cookies=cookies
    ) as client:
        return await client.get("/console/page", headers=headers)


@pytest.mark.parametrize(
    ("error", "finding", "status"),
    [
        (RuntimeError(SECRET), None, 500),
        (LogUnavailable(SECRET), None, 503),
        (asyncpg.InternalClientError(SECRET), None, 503),  # a stopping server has just closed the connection
        (RuntimeError(SECRET), ConnectionRefusedError(SECRET), 503),
    ],
)
async def test_whatever_goes_wrong_a_reader_gets_a_page_that_says_what_to_do(
    error: Exception, finding: Exception | None, status: int
) -> None:
    answer = await ask(error, finding=finding)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert HEADINGS[status] in answer.text
    assert SECRET not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_part_of_a_page_is_replaced_by_a_sentence_not_by_a_whole_page() -> None:
    answer = await ask(LogUnavailable(), headers={"hx-request": "true"})
    assert answer.status_code == 503
    assert "<html" not in answer.text
    assert "Load the page again in a moment." in answer.text


async def test_a_form_that_no_page_takes_is_answered_by_a_page() -> None:
    app = FastAPI()
    app.state.find_session, app.state.clock = raising(RuntimeError(SECRET)), lambda: 0
    app.router.routes.extend(PAGES)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://onefold") as client:
        answer = await client.post("/console/customers")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_a_part_that_is_brought_up_to_date_asks_again_after_an_error() -> None:
    """``load`` is triggered once for what a page or an answer brings; after an error nothing new is brought."""
    templates = files("services.console") / "templates"
    texts = [one.read_text() for one in Path(str(templates)).rglob("*.html")]
    assert any('data-hx-trigger="every' in text for text in texts)
    assert not [text for text in texts if "load delay" in text]
