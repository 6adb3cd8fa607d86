"""Routes with an API key: their paths and their query parameters."""

from typing import Annotated

import httpx
import pytest
from fastapi import Body, Depends, FastAPI, Query

from services.runtime.api import keyed_router, refuse_unknown_parameters
from services.runtime.problems import add_problem_handlers

router = keyed_router("/v1", "things")
KNOWN = [Depends(refuse_unknown_parameters)]


@router.get("/things/{thing}", dependencies=KNOWN)
async def get_thing(thing: str, limit: int = 5, kinds: Annotated[tuple[str, ...], Query(alias="kind")] = ()) -> str:
    return f"{thing} {limit} {' '.join(kinds)}"


@router.post(
    "/lists",
    dependencies=KNOWN,
    openapi_extra={"parameters": [{"name": "by", "in": "query"}, {"name": "X-By", "in": "header"}]},
)
async def post_list() -> str:
    return "taken"


@router.put("/words")
async def put_words(words: Annotated[list[str], Body()]) -> int:
    return len(words)


async def _called(method: str, path: str) -> httpx.Response:
    app = FastAPI()
    app.include_router(router)
    add_problem_handlers(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        return await client.request(method, path)


@pytest.mark.parametrize(
    ("path", "answer"),
    [("/v1/things/a%2Fb", "a/b 5 "), ("/v1/things/a?limit=7&kind=x&kind=y", "a 7 x y")],
)
async def test_parameters_that_a_route_has_are_read(path: str, answer: str) -> None:
    assert (await _called("GET", path)).json() == answer


@pytest.mark.parametrize(
    ("method", "path", "unknown"),
    [
        ("GET", "/v1/things/a?limits=7", ["query.limits"]),
        ("GET", "/v1/things/a?thing=b&Limit=1&limit=2", ["query.Limit", "query.thing"]),
        ("POST", "/v1/lists?X-By=me", ["query.X-By"]),
        ("POST", f"/v1/lists?{'n' * 500}=", [f"query.{'n' * 64}"]),
    ],
)
async def test_parameters_that_a_route_has_not_are_refused_by_name(method: str, path: str, unknown: list[str]) -> None:
    response = await _called(method, path)
    assert response.status_code == 422
    assert response.json()["type"] == "/problems/invalid-request"
    assert [one["field"] for one in response.json()["errors"]] == unknown


async def test_a_parameter_that_a_route_reads_by_itself_is_none_of_them() -> None:
    assert (await _called("POST", "/v1/lists?by=me")).json() == "taken"


def test_a_route_whose_body_is_bounded_says_how_it_may_be_refused() -> None:
    app = FastAPI()
    app.include_router(router)
    paths = app.openapi()["paths"]
    assert {"400", "408", "413"} <= set(paths["/v1/words"]["put"]["responses"])
    assert "413" not in paths["/v1/lists"]["post"]["responses"]
