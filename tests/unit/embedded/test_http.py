"""Both services as one application: each request reaches its route, and the document describes every route."""

import contextlib
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from openapi_spec_validator import validate
from pydantic import SecretStr
from starlette.types import Message

from services.embedded.http import create_app
from services.ingress.main import create_app as create_ingress
from services.query.main import create_app as create_query
from services.runtime.settings import Settings

SETTINGS = Settings(database="postgresql://nowhere", kafka="nowhere:1", secret_key=SecretStr("a master key"))
APP = create_app(SETTINGS)
ROUTES = [route for route in iter_route_contexts(APP.routes) if isinstance(route.original_route, APIRoute)]


async def route_of(method: str, path: str) -> str | None:
    """The name of the route that the request reaches; nothing runs behind it, so it answers with an error."""
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "raw_path": path.encode()}
    scope |= {"headers": [], "query_string": b"", "app": APP}
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    with contextlib.suppress(AttributeError, RuntimeError):
        await APP(scope, receive, send)
    return None if statuses[0] in {404, 405} else scope["route"].name


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("PUT", "/v1/identity/policy", "put_policy"),
        ("GET", "/v1/identity/policy", "read_policy"),
        ("POST", "/v1/identity/policy/preview", "preview_policy"),
        ("POST", "/v1/events", "post_events"),
        ("GET", "/webhooks/meta/fb-main", "get_meta_handshake"),
        ("POST", "/webhooks/meta/fb-main", "post_meta_webhook"),
        ("GET", "/v1/contacts/line/oa/U1", "read_contact"),
        ("GET", "/v1/contacts/line/oa/U1/tags", "read_contact"),
        ("POST", "/v1/contacts/line/oa/U1%2Ftags/unsubscribe", "post_contact_unsubscribe"),
        ("GET", "/v1/projects/wk_1/settings", "get_segment_settings"),
        ("POST", "/v1/customers/nobody", None),
        ("GET", "/v1/events", None),
    ],
)
async def test_a_request_reaches_the_route_of_its_method_and_path(method: str, path: str, name: str | None) -> None:
    assert await route_of(method, path) == name


def test_every_route_that_is_served_is_described_and_nothing_else_is() -> None:
    served = {(route.path_format, method.lower()) for route in ROUTES for method in route.methods or ()}
    paths = APP.openapi()["paths"]
    assert {(path, method) for path, operations in paths.items() for method in operations} == served
    others = {getattr(route, "path", None) for route in APP.routes if not isinstance(route, APIRoute)}
    assert others <= {None, "/openapi.json", "/docs", "/docs/oauth2-redirect"}


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    operations = [one for path in APP.openapi()["paths"].values() for one in path.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all(one["summary"] and one["responses"] for one in operations)


def test_every_schema_that_is_referred_to_is_there() -> None:
    assert _referred() <= APP.openapi()["components"]["schemas"].keys()


def _referred() -> set[str]:
    text = str(APP.openapi())
    return {name.split("'")[0] for name in text.split("#/components/schemas/")[1:]}


def _operations() -> list[tuple[str, str, dict[str, Any]]]:
    paths = APP.openapi()["paths"]
    return [(method, path, one) for path, operations in paths.items() for method, one in operations.items()]


@pytest.mark.parametrize(
    "app", [APP, create_ingress(SETTINGS), create_query(SETTINGS)], ids=["both", "ingress", "query"]
)
def test_each_document_is_a_valid_one_of_openapi(app: FastAPI) -> None:
    document = app.openapi()
    assert document["openapi"].startswith("3.1")
    assert document["servers"]
    validate(document)


def test_every_operation_says_which_key_it_needs_or_that_it_needs_none() -> None:
    schemes = APP.openapi()["components"]["securitySchemes"]
    needed = {name for _, _, one in _operations() for requirement in one["security"] for name in requirement}
    assert needed == schemes.keys()
    kinds = [(one["type"], one.get("scheme"), one.get("name")) for one in schemes.values()]
    assert len(set(kinds)) == len(kinds)  # one scheme for one kind of key
    keyless = {path for _, path, one in _operations() if not one["security"] and path.startswith("/v1/")}
    assert all(
        path.split("/")[2] not in {"customers", "contacts", "identity", "sources", "campaigns"} for path in keyless
    )


def test_every_error_is_described_as_a_problem() -> None:
    errors = [
        (path, status, response)
        for _, path, one in _operations()
        for status, response in one["responses"].items()
        if int(status) >= 400 and path != "/readyz"
    ]
    assert errors
    for path, status, response in errors:
        assert set(response["content"]) == {"application/problem+json"}, (path, status)


def test_a_client_can_name_every_operation_and_model() -> None:
    assert all(one["operationId"].isidentifier() for _, _, one in _operations())
    schemas = APP.openapi()["components"]["schemas"]
    titles = [(one.get("title", name), name) for name, one in schemas.items()]
    assert len({title for title, _ in titles}) == len(titles)
    assert schemas.keys() == _referred()


def test_a_client_can_be_generated_for_every_body() -> None:
    known = {"application/json", "application/octet-stream", "application/x-www-form-urlencoded"}
    bodies = {path: one["requestBody"]["content"].keys() for _, path, one in _operations() if "requestBody" in one}
    assert {path for path, kinds in bodies.items() if not kinds & known} == set()
