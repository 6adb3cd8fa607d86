"""Serving HTTP, and the routes of every process: ``/healthz``, ``/readyz`` and ``/metrics``.

Health means that the process lives and its event loop runs. Readiness runs the checks of what the process needs and
names those that fail. They differ because a process whose Kafka is unreachable should get no traffic but should not be
restarted.
"""

import asyncio
import contextlib
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Generator, Mapping
from functools import cache, partial
from time import perf_counter
from typing import Final, Literal
from urllib.parse import quote, unquote

import orjson
import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.runtime.connections import Connections
from services.runtime.metrics import HTTP_SECONDS
from services.runtime.peers import Peers, networks_in
from services.runtime.protocol import BoundedProtocol
from services.runtime.settings import Settings
from services.runtime.unreachable import trouble_of

log = structlog.get_logger(__name__)
ReadinessCheck = Callable[[], Awaitable[object]]
_CHECK_TIMEOUT: Final = 2.0
_SHUTDOWN_TIMEOUT: Final = 10
_BACKLOG: Final = 2048
_HEALTH_CONNECTIONS: Final = 128
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class RawRoute(Route):
    """A Starlette route that puts itself into the scope, as FastAPI's routes do, for the metrics."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the request, and add the route to its scope."""
        match, found = super().matches(scope)
        return match, found if match is Match.NONE else {**found, "route": self}


async def own_metrics() -> bytes:
    """The metrics of this process, in Prometheus's text format."""
    return generate_latest()


def health_routes(
    checks: Mapping[str, ReadinessCheck],
    *,
    timeout: float = _CHECK_TIMEOUT,
    metrics: Callable[[], Awaitable[bytes]] = own_metrics,
) -> list[RawRoute]:
    """The three routes. A check that raises, or takes more than ``timeout`` seconds, makes the process not ready.

    ``metrics`` gives what ``/metrics`` answers.
    """

    async def ready(_: Request) -> Response:
        results = await asyncio.gather(*(_result(check, timeout) for check in checks.values()))
        passed = all(result == "ok" for result in results)
        body = {"ready": passed, "checks": dict(zip(checks, results, strict=True))}
        return Response(orjson.dumps(body), 200 if passed else 503, media_type="application/json")

    async def measured(_: Request) -> Response:
        return Response(await metrics(), media_type=CONTENT_TYPE_LATEST)

    return [RawRoute("/healthz", _health), RawRoute("/readyz", ready), RawRoute("/metrics", measured)]


class EncodedPath:
    """A mixin for routes: the path is matched as it was sent, and its parameters are decoded afterwards.

    A uid may contain any character. If the path were decoded first, a slash in a uid would separate segments.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the request by its undecoded path."""
        match, child = super().matches({**scope, "path": _sent_path(scope)})  # type: ignore[misc]  # a route's
        try:
            params = {name: unquote(value, errors="strict") for name, value in child.get("path_params", {}).items()}
        except UnicodeDecodeError:
            return Match.NONE, {}
        return match, {**child, "path_params": params} if match is not Match.NONE else child


def _sent_path(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else quote(scope["path"])


async def _health(_: Request) -> Response:
    return Response(b'{"alive":true}', media_type="application/json")


async def _result(check: ReadinessCheck, timeout: float) -> str:  # noqa: ASYNC109 - it bounds another's coroutine
    """``ok``, or what is wrong, and of a foreign error what to do: its own text may contain secrets."""
    try:
        async with asyncio.timeout(timeout):
            await check()
    except NotReady as reason:
        return str(reason)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong, it is not ready
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error  # of a port's error the driver's
        log.warning("check_failed", error=type(cause).__name__)
        return str(trouble_of(cause))
    return "ok"


class NotReady(Exception):
    """Raised by a check; its message is shown to anybody who can reach the port."""


class RequestMetrics:
    """Measures the duration of requests by the route's template; a path would make a label of every contact's id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, perf_counter()

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            observe_request(_template(scope), method, status, began)


def observe_request(template: str, method: str, status: int, began: float) -> None:
    """Count a request that is answered now; it ``began`` at that time of ``perf_counter``."""
    _seconds_of(template, method, status).observe(perf_counter() - began)


# The histogram of one set of labels, which prometheus_client looks up under a lock; there are few of them.
_seconds_of: Final = cache(HTTP_SECONDS.labels)


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _template(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "none"))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError if the port is in use, before anything else is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def bounds_of(settings: Settings) -> Connections:
    """The bounds of a process's connections; some of its open files are left for its servers."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = settings.connections if files == resource.RLIM_INFINITY else min(settings.connections, files * 3 // 4)
    return Connections(most, settings.peer_connections, Peers(networks_in(settings.trusted_proxies or "")))


async def serve(
    app: ASGIApp, listener: socket.socket, bounds: Connections, *, lifespan: Literal["on", "off"] = "on"
) -> None:
    """Serve until SIGTERM or SIGINT; running requests have 10 seconds to finish."""
    server = _server(app, lifespan, bounds)
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, _stop, server)
    try:
        await server.serve(sockets=[listener])
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)


async def serve_health(
    host: str,
    port: int,
    checks: Mapping[str, ReadinessCheck],
    *,
    metrics: Callable[[], Awaitable[bytes]] = own_metrics,
) -> None:
    """Serve the three routes and nothing else, until cancelled. Raises OSError if the port is in use."""
    await serve_health_on(listen(host, port), checks, metrics=metrics)


async def serve_health_on(
    listener: socket.socket,
    checks: Mapping[str, ReadinessCheck],
    *,
    metrics: Callable[[], Awaitable[bytes]] = own_metrics,
) -> None:
    """Serve the three routes and nothing else on a listening socket, until cancelled, and close the socket."""
    bounds = Connections(_HEALTH_CONNECTIONS, _HEALTH_CONNECTIONS // 2, Peers())
    with contextlib.closing(listener):
        app = Starlette(routes=health_routes(checks, metrics=metrics))
        await _server(app, "off", bounds).serve(sockets=[listener])


def _server(app: ASGIApp, lifespan: Literal["on", "off"], bounds: Connections) -> "_Server":
    return _Server(
        uvicorn.Config(
            app,
            http=partial(BoundedProtocol, connections=bounds),  # type: ignore[arg-type]  # uvicorn only calls it
            ws="none",
            lifespan=lifespan,
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # whose word is believed is services.runtime.peers' business
            timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT,
        )
    )


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True


class _Server(uvicorn.Server):
    """A server without uvicorn's signal handlers, which would end the process by the signal, as if it had failed.

    Before it waits for what runs, it calls what the application has as ``before_shutdown``: requests that only wait for
    something to happen end then.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Have waiting requests end, then wait for the others."""
        for end in getattr(getattr(self.config.app, "state", None), "before_shutdown", ()):
            end()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the handlers as they are."""
        yield
