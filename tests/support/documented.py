"""An HTTP client's transport that compares every answer of an application with its OpenAPI document."""

import json
from typing import Any, Final

import httpx
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from starlette.types import Receive, Scope, Send

_DOCUMENTS: Final[dict[tuple[str, int], Any]] = {}  # by the title of the application and its number of routes


def share_document(app: FastAPI) -> None:
    """Give the application the OpenAPI document of the first one like it: to make one takes half a second.

    What has one title and as many routes has to have the same ones. Some tests serve all services, others a few.
    """
    like = (app.title, len(app.routes))
    if like not in _DOCUMENTS:
        _DOCUMENTS[like] = app.openapi()
    app.openapi_schema = _DOCUMENTS[like]


class DocumentedTransport(httpx.AsyncBaseTransport):
    """Calls an application in this process. An answer that its document does not know is an AssertionError."""

    def __init__(self, app: FastAPI, *, raise_app_exceptions: bool = True) -> None:
        self._app, self._raise = app, raise_app_exceptions
        self._validators: dict[str, Draft202012Validator] = {}
        share_document(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, once it is compared."""
        scopes: list[Scope] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scopes.append(scope)
            await self._app(scope, receive, send)

        transport = httpx.ASGITransport(app, raise_app_exceptions=self._raise)
        response = await transport.handle_async_request(request)
        await response.aread()
        route = scopes[0].get("route")
        path = getattr(route, "path_format", None)
        operation = self._app.openapi()["paths"].get(path, {}).get(request.method.lower())
        where = f"{request.method} {path or request.url.path}: {response.status_code}"
        if operation is None:
            known = {200} if request.url.path in {"/openapi.json", "/docs"} else {404, 405}
            assert response.status_code in known, f"{where}, of no described operation"
        else:
            self._compare(where, operation["responses"], response)
        return response

    def _compare(self, where: str, described: dict[str, Any], response: httpx.Response) -> None:
        answer = described.get(str(response.status_code))
        assert answer is not None, f"{where} is not described: {response.text}"
        if not response.content and not answer.get("content"):
            return
        media_type = response.headers["content-type"].partition(";")[0]
        assert media_type in answer.get("content", {}), f"{where} is not described with {media_type}"
        if media_type.endswith("json"):
            schema = answer["content"][media_type]["schema"]
            content = response.text if media_type.endswith("ndjson") else response.json()
            for error in self._validator(schema).iter_errors(content):
                raise AssertionError(f"{where} does not fit its schema at {error.json_path}: {error.message}")

    def _validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        key = json.dumps(schema)
        if key not in self._validators:
            whole = {"allOf": [schema], "components": self._app.openapi()["components"]}
            self._validators[key] = Draft202012Validator(whole)
        return self._validators[key]
