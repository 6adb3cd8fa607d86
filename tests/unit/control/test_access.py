"""Every route of both services asks for an API key with a scope, or is in the list of those that are open."""

from collections.abc import AsyncIterator, Iterator
from inspect import isasyncgenfunction, iscoroutinefunction
from types import SimpleNamespace
from typing import Final

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import SecretStr

from projections.migrations.tables import SCOPES
from services.control.auth import Authenticator
from services.embedded.http import create_app
from services.ingress.http.segment import PATHS
from services.runtime.api import Access, access_of
from services.runtime.buckets import Allowance
from services.runtime.settings import Settings
from tests.support.keys import a_guard, an_api_key, finding

SETTINGS = Settings(database="postgresql://nowhere", kafka="nowhere:1", secret_key=SecretStr("a master key"))
APP = create_app(SETTINGS)
# Routes without an API key, by how they know their callers. A preflight of browsers carries no credentials.
PIXELS: Final = ("/pixel/v1/page", "/pixel/v1/track")
OPEN: Final = {
    **{f"GET {path}": "it shows nothing of a tenant" for path in ("/healthz", "/readyz", "/metrics")},
    **{f"POST {path}": "the write key of a website" for path in (*PATHS, "/beacon/v1/batch")},
    **{f"POST {path}": "it is thrown away" for path in ("/v1/m", "/rsaMetrics")},
    **{f"GET {path}": "the write key of a website" for path in ("/sourceConfig", "/sourceConfig/", *PIXELS)},
    "GET /v1/projects/{write_key}/settings": "the write key of a website",
    "GET /webhooks/meta/{source}": "the source's verify token",
    "GET /webhooks/meta/{source}/deletion/{code}": "the code is a secret of the person",
    **{f"POST /webhooks/{path}": "signed" for path in ("line/{source}", "meta/{source}", "meta/{source}/deletion")},
}
# Reads that show nothing about a person, and events, which are in the log themselves.
NOT_RECORDED: Final = {
    "list_jobs",
    "read_job",
    "post_events",
    "read_attributes",
    "read_field_values",
    "read_fields",
    "read_generations",
    "read_lag",
    "read_policy",
    "read_policy_version",
    "read_quota",
}
KEYS = {f"of_{scope}": an_api_key([scope]) for scope in SCOPES} | {
    f"of_no_{scope}": an_api_key([other for other in SCOPES if other not in {scope, "admin"}]) for scope in SCOPES
}
TRAIL = a_guard().trail


def routes() -> Iterator[tuple[str, str, APIRoute]]:
    for context in iter_route_contexts(APP.routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            yield from ((method, route.path_format, route) for method in sorted(route.methods or ()))


ROUTES = list(routes())
KEYED = [(method, path, access) for method, path, route in ROUTES if (access := access_of(route))]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Calls the routes; nothing is behind their keys."""
    authenticator = Authenticator(finding(KEYS), 60, a_guard(trail=TRAIL))
    APP.state.authenticator = authenticator
    APP.state.ingress = SimpleNamespace(authenticator=authenticator, settings=SETTINGS)
    transport = httpx.ASGITransport(APP, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as made:
        yield made


def test_nothing_of_a_request_is_sent_to_a_thread_and_back() -> None:
    """What is no coroutine would be: at every request the processor is changed twice."""
    called = {call for *_, route in ROUTES for call in calls_of(route.dependant)} | {*APP.exception_handlers.values()}
    assert [one for one in called if not is_awaited(one)] == []


def is_awaited(call: object) -> bool:
    return iscoroutinefunction(call) or isasyncgenfunction(call) or iscoroutinefunction(type(call).__call__)


def calls_of(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for one in dependant.dependencies:
        yield from calls_of(one)


def test_every_route_asks_for_a_scope_or_is_known_to_be_open() -> None:
    keyless = {f"{method} {path}" for method, path, route in ROUTES if access_of(route) is None}
    open_routes = {one for one in keyless if not one.startswith("OPTIONS ")}
    assert open_routes <= OPEN.keys(), (
        "these routes ask for no API key: give each a principal of services/query/http/parameters.py (`Asking`, …) or "
        "services/ingress/http/context.py (`EventWriter`, …), or name it in OPEN with the reason"
    )
    assert open_routes == OPEN.keys(), "these are gone: take them off OPEN"


def test_every_route_is_recorded_unless_it_shows_nothing_about_a_person() -> None:
    left_out = {
        route.unique_id for _, _, route in ROUTES if (access := access_of(route)) is not None and not access.recorded
    }
    assert left_out == NOT_RECORDED, (
        "a route whose requests are not in the audit trail may show nothing about a person, and change nothing: name "
        "it in NOT_RECORDED, or leave `recorded` out"
    )


def test_every_scope_is_a_known_one_and_stands_in_the_description() -> None:
    paths = APP.openapi()["paths"]
    for method, path, access in KEYED:
        assert access.scope in SCOPES
        assert paths[path][method.lower()]["security"] == [{"apiKey": [access.scope]}]


@pytest.mark.parametrize(("method", "path", "access"), KEYED, ids=[f"{one[0]} {one[1]}" for one in KEYED])
async def test_a_request_without_a_key_is_a_401_and_one_without_the_scope_a_403(
    method: str, path: str, access: Access, client: httpx.AsyncClient
) -> None:
    url = path.replace("{", "").replace("}", "")
    answer = await client.request(method, url)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    answer = await client.request(method, url, headers={"Authorization": f"Bearer of_no_{access.scope}"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert answer.json()["scope"] == access.scope


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/events"), ("GET", "/v1/quota")])
async def test_beyond_the_rate_limit_a_request_is_a_429_that_says_the_limit(
    method: str, path: str, client: httpx.AsyncClient
) -> None:
    authenticator = Authenticator(finding(KEYS), 60, a_guard(Allowance(0.5, 1)))
    APP.state.authenticator = APP.state.ingress.authenticator = authenticator
    headers = {"Authorization": "Bearer of_audit"}
    assert (await client.request(method, path, headers=headers)).status_code == 403
    answer = await client.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too-fast")
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["ratelimit-policy"] == '"key";q=1;w=2'
    assert answer.headers["ratelimit"] == '"key";r=0;t=2'
