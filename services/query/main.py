"""The read API, put together: settings in, an ASGI app out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI

from services.control.auth import Authenticator
from services.control.keys import Key, find_key
from services.query.adapters.preview_process import PreviewProcess
from services.query.adapters.read_models import PooledReadModels
from services.query.core.timelines import MOST_BYTES
from services.query.handlers.customer_lookup import CustomerLookup
from services.query.handlers.explainer import Explainer
from services.query.handlers.policies import Policies
from services.query.handlers.reader import CustomerReader
from services.query.http import contacts, customers, identity, policy
from services.query.http.responses import add_error_handlers
from services.runtime import http
from services.runtime.database import open_engine
from services.runtime.problems import add_problem_handlers
from services.runtime.settings import Settings

ROUTERS: Final = (contacts.router, customers.router, identity.router, policy.router)


def create_app(settings: Settings, *, page_bytes: int = MOST_BYTES) -> FastAPI:
    """The read API with its health routes. ``page_bytes`` bounds a timeline's page. Raises MissingSetting.

    It starts without a database too, and becomes ready once there is one with an active generation.
    """
    read_models = PooledReadModels(settings.database_url)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with read_models, open_engine(settings.database_url, name="onefold-query", statement_timeout=5) as engine:

            async def find(key_hash: bytes) -> Key | None:
                async with read_models.connection():  # without read models no key is of use: 503, rather than 401
                    return await find_key(engine, key_hash)

            app.state.authenticator = Authenticator(find)
            yield

    app = FastAPI(
        title="Onefold: reading",
        summary="Contacts, customers, their timelines, and why contacts are one customer.",
        version=version("onefold"),
        lifespan=lifespan,
        redirect_slashes=False,
    )
    lookup = CustomerLookup.of(settings)
    app.state.reader = CustomerReader(read_models, lookup, page_bytes)
    app.state.explainer = Explainer(read_models, lookup)
    app.state.policies = Policies(read_models, lookup)
    app.state.previewer = PreviewProcess(settings.database_url, settings.default_region)
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.extend(http.health_routes({"postgresql": read_models.check}))
    app.add_middleware(http.RequestMetrics)
    add_problem_handlers(app)
    add_error_handlers(app)
    return app
