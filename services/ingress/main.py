"""The ingress process, put together: settings in, an HTTP service out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from importlib.metadata import version
from typing import Final

import structlog
import uvloop
from fastapi import FastAPI

from services.control.auth import Authenticator
from services.control.keys import find_key
from services.control.source_service import SourceService
from services.ingress.adapters.log import KafkaLog
from services.ingress.adapters.sources import ControlPlaneSites, ControlPlaneSources
from services.ingress.adapters.visibility import PostgresVisibility
from services.ingress.handlers.daily_dedup import DailyDedup
from services.ingress.handlers.limits import Limits
from services.ingress.http.context import Ingress
from services.ingress.http.deletion import deletion_routes
from services.ingress.http.fast_path import FastPathApp
from services.ingress.http.openapi import describe
from services.ingress.http.openapi_meta import meta_described
from services.ingress.http.openapi_sources import sources_described
from services.ingress.http.routes import ingress_routes
from services.ingress.http.segment import SegmentIntake
from services.ingress.http.sources import source_routes
from services.ingress.http.webhooks import handshake_routes
from services.runtime.budget import Budget
from services.runtime.database import create_pool, open_engine, ping
from services.runtime.http import RequestMetrics, health_routes, listen, serve
from services.runtime.metrics import INGRESS_BYTES
from services.runtime.problems import add_problem_handlers
from services.runtime.settings import Settings

log = structlog.get_logger(__name__)
_LEAST_BUDGET: Final = 67_108_864
_BODIES: Final = 4


def create_app(settings: Settings) -> FastAPI:
    """The service as an ASGI app. It starts, and answers 503 where it must, while Kafka or PostgreSQL are away."""
    master, database_url, _ = settings.master_key, settings.database_url, settings.kafka_servers
    # Room for some bodies of the largest size, each with its records, which are about as large again.
    budget = Budget(max(_LEAST_BUDGET, 2 * _BODIES * settings.body_limit))
    kafka = KafkaLog(settings, budget)
    INGRESS_BYTES.set_function(lambda: budget.used)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        control = open_engine(database_url, name="onefold-ingress", statement_timeout=5)
        pool = create_pool(database_url, name="onefold-ingress-visibility", statement_timeout=5, min_size=0, max_size=2)
        async with control as engine, pool as read_models, kafka:
            app.state.engine = engine
            sources, visibility = ControlPlaneSources(engine, master), PostgresVisibility(read_models, master)
            limits, source_service = Limits(settings.source_rate), SourceService(engine, master, kafka.say)
            authenticator = Authenticator(partial(find_key, engine))
            app.state.ingress = Ingress(
                settings, authenticator, sources, kafka, budget, visibility, limits, engine, source_service
            )
            app.state.web = SegmentIntake(ControlPlaneSites(engine), kafka, budget, DailyDedup(), limits)
            yield

    app = FastPathApp(
        ingress_routes(),
        title="Onefold ingress",
        version=version("onefold"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.router.routes.extend([*source_routes(), *handshake_routes(), *deletion_routes()])
    checks = {"kafka": kafka.check, "postgresql": lambda: ping(app.state.engine)}
    app.router.routes.extend(health_routes(checks))
    app.add_middleware(RequestMetrics)
    add_problem_handlers(app)
    describe(app, meta_described(), sources_described())
    return app


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when the port is another's."""
    app = create_app(settings)
    with contextlib.closing(listen(settings.host, settings.port)) as listener:
        host, port = listener.getsockname()[:2]
        log.info("ingress_listens", host=host, port=port)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(app, listener))
    log.info("ingress_stopped")
