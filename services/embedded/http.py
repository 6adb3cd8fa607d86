"""Ingress and query behind one port, as one machine wants it; in production each has its own.

What is said goes to ingress, what is asked goes to query: any method but GET says something, unless the path is one
that only asks; the sources of webhooks, and what only takes things in, are ingress's by any method. `/readyz` is both
of theirs in one, and so is the API's description, which `/docs` shows.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from typing import Any

import orjson
import uvloop
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.ingress.http.segment import METRICS_PATH, PATHS
from services.ingress.main import create_app as create_ingress
from services.query.main import create_app as create_query
from services.runtime.http import listen, serve
from services.runtime.logs import configure_logging
from services.runtime.settings import Settings

_ASKS = frozenset({"GET", "HEAD", "OPTIONS"})
_ASKED = frozenset({"/v1/customers/search", "/v1/identity/policy/preview"})  # by POST, since the question has a body
_INGRESS = frozenset({"/v1/events", "/v1/identity/decisions", *PATHS, METRICS_PATH})
_INGRESS_BELOW = ("/webhooks/", "/v1/sources", "/v1/projects/")  # the last is the settings of browsers' SDKs
_READINESS = "/readyz"


class OnePort:
    """Both services as one ASGI application: hot requests pass one comparison of their path, and no router."""

    def __init__(self, ingress: FastAPI, query: FastAPI) -> None:
        self._ingress = ingress
        self._query = query
        _describe_together(ingress, query)
        self._own = Starlette(routes=[Route(_READINESS, self._ready)], lifespan=self._lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or the process's life."""
        await self._chosen(scope)(scope, receive, send)

    def _chosen(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http" or scope["path"] == _READINESS:
            return self._own
        return self._ingress if belongs_to_ingress(scope["method"], scope["path"]) else self._query

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for app in (self._ingress, self._query):
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    async def _ready(self, request: Request) -> Response:
        answers = await asyncio.gather(*(_asked(app, request.scope) for app in (self._ingress, self._query)))
        checks = {name: outcome for _, body in answers for name, outcome in body["checks"].items()}
        status = max(status for status, _ in answers)
        body = {"ready": all(body["ready"] for _, body in answers), "checks": checks}
        return Response(orjson.dumps(body), status, media_type="application/json")


def belongs_to_ingress(method: str, path: str) -> bool:
    """Whether ingress answers such a request for the path."""
    if path in _INGRESS or path.startswith(_INGRESS_BELOW):
        return True
    return method not in _ASKS and path not in _ASKED


def _describe_together(ingress: FastAPI, query: FastAPI) -> None:
    said, asked = ingress.openapi, query.openapi

    def openapi() -> dict[str, Any]:
        return merged(asked(), said()) | {"info": {**asked()["info"], "title": "Onefold"}}

    query.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to describe an app differently


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two trees of dictionaries as one; where both have a leaf, the first one's stays."""
    both = {name: merged(one[name], other[name]) for name in one.keys() & other.keys() if _branches(one, other, name)}
    return {**other, **one, **both}


def _branches(one: dict[str, Any], other: dict[str, Any], name: str) -> bool:
    return isinstance(one[name], dict) and isinstance(other[name], dict)


async def _asked(app: ASGIApp, scope: Scope) -> tuple[int, dict[str, Any]]:
    """One application's answer to a GET: status and JSON."""
    status, parts = 500, bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            parts.extend(message.get("body", b""))

    await app({**scope, "method": "GET"}, receive, send)
    return status, orjson.loads(parts)


def main() -> None:
    """Serves until SIGTERM. A port that is taken ends it at once, with the system's own word for it."""
    settings = Settings()
    configure_logging(settings)
    app = OnePort(create_ingress(settings), create_query(settings))
    with closing(listen(settings.host, settings.port)) as listener:
        uvloop.run(serve(app, listener))


if __name__ == "__main__":
    main()
