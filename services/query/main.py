"""The read API, put together: settings in, an ASGI app out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from services.control.auth import Authenticator
from services.query import identity_http, policy_http
from services.query.adapters import ReadModels
from services.query.explaining import Explainer
from services.query.handlers import Reader
from services.query.http import add_error_handlers, router
from services.query.naming import names_of
from services.query.policy import Policies
from services.query.preview import Previewer
from services.runtime import http
from services.runtime.problems import add_problem_handlers
from services.runtime.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The read API with its health routes. Raises MissingSetting.

    It starts without a database, too, and is ready once there is one with an active generation.
    """
    read_models = ReadModels(settings.database_url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with read_models:
            yield

    app = FastAPI(
        title="Onefold: reading",
        summary="Contacts, customers, their timelines, and why they are who they are.",
        version=version("onefold"),
        lifespan=lifespan,
        redirect_slashes=False,
    )
    names = names_of(settings)
    app.state.reader = Reader(read_models, names)
    app.state.explainer = Explainer(read_models, names)
    app.state.policies = Policies(read_models, names)
    app.state.previewer = Previewer(settings.database_url, settings.default_region)
    app.state.authenticator = Authenticator(_Control(read_models))
    app.include_router(router)
    app.include_router(identity_http.router)
    app.include_router(policy_http.router)
    app.router.routes.extend(http.routes({"postgresql": read_models.check}))
    app.add_middleware(http.RequestMetrics)
    add_problem_handlers(app)
    add_error_handlers(app)
    policy_http.add_policy_error_handlers(app)
    return app


class _Control:
    """The control tables by way of the read models' connections: their names say which schema they are in."""

    def __init__(self, read_models: ReadModels) -> None:
        self._read_models = read_models

    async def fetchrow(self, query: str, *args: Any) -> Any:
        async with self._read_models.connection() as connection:
            return await connection.fetchrow(query, *args)
