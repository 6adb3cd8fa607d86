"""What every process serves besides its own business: ``/healthz``, ``/readyz`` and ``/metrics``.

Health says that the process lives and its event loop turns; readiness asks what it needs (its checks) and says which
are missing. The two differ on purpose: a process whose Kafka is away should get no traffic, and should not be killed.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Generator, Mapping
from time import perf_counter
from typing import Final, Literal
from urllib.parse import quote, unquote

import orjson
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.runtime.metrics import HTTP_SECONDS
from services.runtime.protocol import BoundedProtocol

Check = Callable[[], Awaitable[object]]
_CHECK_TIMEOUT: Final = 2.0
_STOP_WITHIN: Final = 10
_BACKLOG: Final = 2048
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def routes(checks: Mapping[str, Check]) -> list[BaseRoute]:
    """The three routes. A check that raises, or takes more than 2 seconds, makes the process not ready."""

    async def ready(_: Request) -> Response:
        results = await asyncio.gather(*(_outcome(check) for check in checks.values()))
        passed = all(result == "ok" for result in results)
        body = {"ready": passed, "checks": dict(zip(checks, results, strict=True))}
        return Response(orjson.dumps(body), 200 if passed else 503, media_type="application/json")

    return [RawRoute("/healthz", _health), RawRoute("/readyz", ready), RawRoute("/metrics", _metrics)]


class RawRoute(Route):
    """A route without FastAPI's machinery, in a FastAPI app, that tells of itself as FastAPI's own routes do."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether it is this route's request."""
        match, found = super().matches(scope)
        return match, found if match is Match.NONE else {**found, "route": self}


class EncodedPath:
    """Before a kind of route: it is matched against the path as it was sent, and its parameters are decoded after that.

    A uid may hold anything: matched after decoding, its slashes would be taken for the path's own.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """How well the route fits the request, and what it makes of it."""
        match, child = super().matches({**scope, "path": _sent_path(scope)})  # type: ignore[misc]  # a route's
        try:
            params = {name: unquote(value, errors="strict") for name, value in child.get("path_params", {}).items()}
        except UnicodeDecodeError:
            return Match.NONE, {}
        return match, {**child, "path_params": params} if match is not Match.NONE else child


def _sent_path(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else quote(scope["path"])


class EncodedRawRoute(EncodedPath, RawRoute):
    """A raw route whose parameters may hold slashes, sent as ``%2F``."""


async def _health(_: Request) -> Response:
    return Response(b'{"alive":true}', media_type="application/json")


async def _metrics(_: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _outcome(check: Check) -> str:
    """``ok``, or what is wrong; an error of another's library is told by its class, for its text may tell too much."""
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT):
            await check()
    except NotReady as reason:
        return str(reason)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong, it is not ready
        return type(error).__name__
    return "ok"


class NotReady(Exception):
    """A check's own words, fit to be shown to anybody who can reach the port."""


class RequestMetrics:
    """Times requests, by the route's template: a raw path would make a label of every contact's id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            labels = (_template(scope), scope["method"] if scope["method"] in _METHODS else "other", str(status))
            HTTP_SECONDS.labels(*labels).observe(perf_counter() - began)


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _template(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "none"))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError when the port is another's, before anything else is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


async def serve(app: ASGIApp, listener: socket.socket, *, lifespan: Literal["on", "off"] = "on") -> None:
    """Serve until SIGTERM or SIGINT; requests that are being answered have 10 seconds to finish."""
    server = _server(app, lifespan)
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, _stop, server)
    try:
        await server.serve(sockets=[listener])
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)


async def serve_health(host: str, port: int, checks: Mapping[str, Check]) -> None:
    """Serve the three routes and nothing else, until cancelled. Raises OSError when the port is another's."""
    with contextlib.closing(listen(host, port)) as listener:
        await _server(Starlette(routes=routes(checks)), "off").serve(sockets=[listener])


def _server(app: ASGIApp, lifespan: Literal["on", "off"]) -> "_Server":
    return _Server(
        uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan=lifespan,
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # nothing depends on the client's address
            timeout_graceful_shutdown=_STOP_WITHIN,
        )
    )


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True


class _Server(uvicorn.Server):
    """Signals are the process's business: uvicorn's own handlers would end it by the signal, as if it had failed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave them as they are."""
        yield
