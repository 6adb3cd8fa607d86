import asyncio
from typing import Annotated

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Query, Request
from starlette.exceptions import HTTPException

from services.runtime.problems import FORBIDDEN, MEDIA_TYPE, Problem, add_problem_handlers

app = FastAPI()
add_problem_handlers(app)


@app.get("/refused")
async def refused() -> None:
    raise Problem(FORBIDDEN, "not this key", headers={"X-Why": "scope"}, scope="admin")


@app.get("/broken")
async def broken() -> None:
    raise RuntimeError("the password is hunter2")


@app.get("/away")
async def away() -> None:
    raise asyncpg.CannotConnectNowError("starting up")


@app.get("/teapot")
async def teapot() -> None:
    raise HTTPException(418, "short and stout", headers={"X-Pot": "tea"})


@app.get("/numbers")
async def numbers(limit: Annotated[int, Query(le=200)]) -> int:
    return limit


@app.post("/echo")
async def echo(body: dict[str, int], request: Request) -> int:
    return len(body) + len(request.headers)


async def ask(path: str, method: str = "GET", content: bytes | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.request(method, path, content=content, headers={"Content-Type": "application/json"})
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert answer.json()["status"] == answer.status_code
        assert answer.json()["type"].startswith("/problems/")
        assert answer.json()["title"]
    return answer


async def test_a_problem_is_told_with_its_fields_and_headers() -> None:
    answer = await ask("/refused")
    assert answer.json() == {
        "type": "/problems/forbidden",
        "title": "The API key lacks a scope",
        "status": 403,
        "detail": "not this key",
        "scope": "admin",
    }
    assert answer.headers["x-why"] == "scope"


@pytest.mark.parametrize(
    ("path", "method", "status", "slug"),
    [
        ("/nothing", "GET", 404, "not-found"),
        ("/refused", "DELETE", 405, "method-not-allowed"),
        ("/numbers?limit=900", "GET", 422, "invalid-request"),
        ("/numbers", "GET", 422, "invalid-request"),
        ("/broken", "GET", 500, "internal"),
        ("/away", "GET", 503, "unavailable"),
        ("/teapot", "GET", 418, "i'm-a-teapot"),
    ],
)
async def test_every_error_is_a_problem(path: str, method: str, status: int, slug: str) -> None:
    answer = await ask(path, method)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")


async def test_an_error_of_ours_tells_nothing_of_itself() -> None:
    assert "hunter2" not in (await ask("/broken")).text


async def test_the_allowed_methods_are_told() -> None:
    assert (await ask("/refused", "DELETE")).headers["allow"] == "GET"


async def test_a_server_that_is_away_says_when_to_come_back() -> None:
    assert (await ask("/away")).headers["retry-after"] == "1"


async def test_what_is_wrong_is_told_by_field_and_not_by_value() -> None:
    answer = await ask("/numbers?limit=SECRET")
    assert answer.json()["errors"][0]["field"] == "query.limit"
    assert "SECRET" not in answer.text


async def test_what_is_wrong_in_a_body_is_told_as_it_is_written_there() -> None:
    errors = (await ask("/echo", "POST", b'{"fine": 1, "large": "SECRET"}')).json()["errors"]
    assert [one["field"] for one in errors] == ["large"]


async def test_a_field_that_no_utf_8_can_name_is_told_all_the_same() -> None:
    answer = await ask("/echo", "POST", b'{"\\ud800": "x"}')
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "body"


@pytest.mark.parametrize("body", [b"", b"null"])
async def test_a_body_that_is_missing_is_told_of_the_body_itself(body: bytes) -> None:
    answer = await ask("/echo", "POST", body)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == ["body"]


async def test_requests_do_not_share_a_problem() -> None:
    answers = await asyncio.gather(*(ask("/refused") for _ in range(5)))
    assert len({answer.text for answer in answers}) == 1
