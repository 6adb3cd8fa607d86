"""One or several services as one ASGI application with one OpenAPI document.

Each service gives its routers, its checks and its lifespan. FastAPI's own routing chooses the route, but for the hot
routes: FastAPI's middleware and dependencies take a quarter of a webhook's time, so a POST to a hot route calls the
route's endpoint directly. Hot routes are ordinary routes besides, so that any other method is answered as everywhere.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from time import perf_counter, time_ns
from typing import Any, Final, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from schemas.export import Document
from services.runtime.api import Answer, access_of, hoist
from services.runtime.auditing import RequestAudit
from services.runtime.http import ReadinessCheck, RequestMetrics, health_routes, observe_request
from services.runtime.problems import INTERNAL, Problem, add_problem_handlers, problem_response, response_to

Endpoint = Callable[[Request], Awaitable[Response]]
# Of a scope that came as HEAD: a route whose body costs much may leave it out.
HEADERS_ONLY: Final = "onefold.headers_only"
_INCLUDED: Final[dict[tuple[int, ...], Sequence[BaseRoute]]] = {}  # by the ids of routers


@dataclass(frozen=True, slots=True)
class Service:
    """What a service brings into an application."""

    routers: Sequence[APIRouter]
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]
    checks: Mapping[str, ReadinessCheck]
    problems: Mapping[type[Exception], Callable[[Exception], Problem]] = field(default_factory=dict)
    hot: Sequence[APIRouter] = ()  # their endpoints take the request alone
    state: Mapping[str, Any] = field(default_factory=dict)
    pages: Sequence[BaseRoute] = ()  # for people, tried first: they are no part of the API's description


class Health(Answer):
    """The process lives."""

    alive: Literal[True]


class Readiness(Answer):
    """Whether the process can do its work, and what each check found: ``ok``, or what is wrong."""

    ready: bool
    checks: dict[str, str]


class Application(FastAPI):
    """FastAPI with hot routes that are reached directly, and HEAD wherever there is GET."""

    def __init__(self, hot: Iterable[APIRouter], **options: Any) -> None:
        super().__init__(**options, redirect_slashes=False)
        found = [route for router in hot for route in router.routes if isinstance(route, APIRoute)]
        posts = [route for route in found if route.methods and "POST" in route.methods]
        self._fixed = {route.path: route for route in posts if "{" not in route.path}
        self._named = {_folder_of(route.path): route for route in posts if "{" in route.path}

    def openapi(self) -> Document:
        """The description of every route; one that needs no key says so."""
        if self.openapi_schema is None:
            document = hoist(super().openapi())
            for operations in document["paths"].values():
                for operation in operations.values():
                    operation.setdefault("security", [])
            self._describe_scopes(document)
            self.openapi_schema = document
        return self.openapi_schema

    def _describe_scopes(self, document: Document) -> None:
        """Say of every route with an API key which scope the key needs."""
        for context in iter_route_contexts(self.routes):
            route = context.original_route
            if isinstance(route, APIRoute) and (access := access_of(route)) is not None:
                for method in route.methods or ():
                    operation = document["paths"][route.path_format][method.lower()]
                    operation["security"] = [{"apiKey": [access.scope]}]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the application's life."""
        if scope["type"] == "http":
            if scope["method"] == "POST" and (found := self._hot_route(scope["path"])):
                scope.update(found, app=self)
                await _answer(scope, receive, send)
                return
            if scope["method"] == "HEAD":  # the server leaves the body out
                scope = {**scope, "method": "GET", HEADERS_ONLY: True}
        await super().__call__(scope, receive, send)

    def _hot_route(self, path: str) -> Scope | None:
        if (route := self._fixed.get(path)) is not None:
            return {"endpoint": route.endpoint, "route": route, "path_params": {}}
        folder, _, name = path.rpartition("/")
        if name and (route := self._named.get(folder)) is not None:
            return {
                "endpoint": route.endpoint,
                "route": route,
                "path_params": {next(iter(route.param_convertors)): name},
            }
        return None


def _folder_of(path: str) -> str:
    """What precedes the parameter that ends a hot route's path. Raises ValueError for any other pattern."""
    folder, _, parameter = path.rpartition("/")
    if "{" in folder or not parameter.startswith("{"):
        raise ValueError(f"a hot route may have one parameter, at the end: {path}")
    return folder


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    began, status, failure = perf_counter(), INTERNAL.status, None
    try:
        try:
            response = await scope["endpoint"](Request(scope, receive, send))
        except Exception as error:  # noqa: BLE001 - answered, and raised again below
            response, expected = response_to(error)
            failure = None if expected else error
        status = response.status_code
        await response(scope, receive, send)
    finally:
        observe_request(scope["route"].path, "POST", status, began)
    if failure is not None:
        raise failure  # as Starlette does, so that the server logs it


def application(
    *services: Service, title: str, summary: str | None = None, docs_url: str | None = "/docs"
) -> Application:
    """The services as one application. Their routes are tried in order, hot ones first."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for service in services:
                await stack.enter_async_context(service.lifespan(app))
            yield

    hot = [router for service in services for router in service.hot]
    app = Application(
        hot,
        title=title,
        summary=summary,
        version=version("onefold"),
        lifespan=lifespan,
        license_info={"name": "Apache 2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/", "description": "where this document was fetched from"}],
        docs_url=docs_url,
        redoc_url=None,
    )
    app.router.routes.extend(page for service in services for page in service.pages)
    app.router.routes.extend(_included([*hot, *(router for service in services for router in service.routers)]))
    app.include_router(_health(services))
    app.add_middleware(RequestAudit)
    app.add_middleware(RequestMetrics)
    add_problem_handlers(app)
    app.state.clock = _now
    for service in services:
        for name, value in service.state.items():
            setattr(app.state, name, value)
        for error, problem_of in service.problems.items():
            app.add_exception_handler(error, _handler(problem_of))
    return app


def _now() -> int:
    """The time, in ms."""
    return time_ns() // 1_000_000


def _included(routers: Sequence[APIRouter]) -> Sequence[BaseRoute]:
    """The routes of these routers as an application includes them.

    They hold nothing of an application, and half a second's work: a process that makes several shares them.
    """
    key = tuple(map(id, routers))
    if key not in _INCLUDED:
        together = APIRouter()
        for router in routers:
            together.include_router(router)
        _INCLUDED[key] = together.routes  # which keep the routers, and so the ids
    return _INCLUDED[key]


def _handler(problem_of: Callable[[Exception], Problem]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(_: Request, error: Exception) -> Response:  # else it would be sent to a thread and back
        return problem_response(problem_of(error))

    return handle


_HEALTH: Final[dict[str, dict[str, Any]]] = {
    "/healthz": {"summary": "Whether the process lives", "response_model": Health},
    "/readyz": {
        "summary": "Whether the process can do its work",
        "response_model": Readiness,
        "responses": {503: {"model": Readiness, "description": "Something that it needs is missing"}},
    },
    "/metrics": {"summary": "Metrics for Prometheus", "response_class": PlainTextResponse},
}


def _health(services: Sequence[Service]) -> APIRouter:
    router = APIRouter(tags=["health"], generate_unique_id_function=lambda route: route.name)
    for route in health_routes(_together(services)):
        name = f"get_{route.path.removeprefix('/')}"
        router.add_api_route(route.path, route.endpoint, methods=["GET"], name=name, **_HEALTH[route.path])
    return router


def _together(services: Sequence[Service]) -> Mapping[str, ReadinessCheck]:
    """The checks of all services. Where several have one of the same name, all of them have to pass."""
    by_name: dict[str, list[ReadinessCheck]] = {}
    for service in services:
        for name, check in service.checks.items():
            by_name.setdefault(name, []).append(check)
    return {name: _every(checks) for name, checks in by_name.items()}


def _every(checks: Sequence[ReadinessCheck]) -> ReadinessCheck:
    async def run() -> None:
        for check in checks:
            await check()

    return run
