"""The ingress process, put together: settings in, an HTTP service out."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog
import uvloop
from fastapi import FastAPI

from services.control.access import access_service
from services.control.auth import Authenticator
from services.control.keys import find_key
from services.control.source_activity import KEPT, add_counts, prune_activity
from services.control.source_service import SourceService
from services.ingress.adapters.identity import PostgresIdentity
from services.ingress.adapters.log import REPLACE_AFTER, KafkaLog
from services.ingress.adapters.read_models import LookupPool
from services.ingress.adapters.saved_segments import PostgresSegments
from services.ingress.adapters.sources import ControlPlaneSites, ControlPlaneSources
from services.ingress.adapters.visibility import PostgresVisibility
from services.ingress.core.shares import LEAST_BODIES
from services.ingress.handlers.daily_dedup import DailyDedup
from services.ingress.handlers.login_checks import LoginChecks
from services.ingress.handlers.source_activity import SourceActivity
from services.ingress.http import (
    campaigns,
    contact_commands,
    deletion,
    events,
    identity,
    imports,
    member_merges,
    members,
    pixels,
    rudderstack,
    saved_segments,
    segment,
    segment_settings,
    sources,
    tenant_settings,
    webhooks,
)
from services.ingress.http.context import Ingress, log_problem
from services.ingress.http.segment import SegmentIntake
from services.ingress.ports import LogUnavailable
from services.runtime.application import Application, Service, application
from services.runtime.buckets import Allowance
from services.runtime.budget import Budget
from services.runtime.cancelling import cancel_all
from services.runtime.contact_ids import id_of
from services.runtime.database import Engine, create_pool, open_engine, ping
from services.runtime.gc_tuning import tune_gc
from services.runtime.http import bounds_of, listen, serve
from services.runtime.metrics import INGRESS_BYTES
from services.runtime.peers import Peers, networks_in
from services.runtime.rate_limits import RateLimits
from services.runtime.settings import Settings
from services.vault.key_check import MasterKeyCheck

log = structlog.get_logger(__name__)
# How long ingress waits for PostgreSQL, by how long it waits for Kafka: to look up a key or a source, for a warning.
_LOOKUP_SHARE: Final = 2 / 3
_WARNING_SHARE: Final = 1 / 3
_LEAST_BUDGET: Final = 67_108_864
VISIBLE_WITHIN: Final = 10.0  # s
HOT: Final = (webhooks.webhooks, events.router, segment.calls, rudderstack.calls)
COLD: Final = (
    member_merges.router,
    members.router,
    contact_commands.router,
    identity.router,
    tenant_settings.router,
    saved_segments.router,
    imports.router,
    campaigns.router,
    sources.router,
    webhooks.handshakes,
    deletion.router,
    segment.preflights,
    segment_settings.router,
    rudderstack.router,
    pixels.router,
)


def ingress_service(
    settings: Settings,
    clock: Callable[[], float] = time.monotonic,
    visible_within: float = VISIBLE_WITHIN,
    replace_after: float = REPLACE_AFTER,
) -> Service:
    """Everything that ingress serves. It starts, and answers 503 where it must, while Kafka or PostgreSQL are away.

    ``clock`` gives the seconds by which answers of the control plane grow old and allowances are refilled;
    ``visible_within`` is how many seconds ``?wait=true`` may take, ``replace_after`` after how many without an
    acknowledgement the connection to Kafka is replaced.
    """
    master, database_url, _ = settings.master_key, settings.database_url, settings.kafka_servers
    budget = Budget(max(_LEAST_BUDGET, LEAST_BODIES * settings.body_limit))
    peers = Peers(networks_in(settings.trusted_proxies or ""))
    INGRESS_BYTES.set_function(lambda: budget.used)
    lookup_within = settings.ack_timeout * _LOOKUP_SHARE
    engines: list[Engine] = []  # the one that the running service has
    pools: list[LookupPool] = []
    master_keys = MasterKeyCheck(settings.master_key_file)

    async def postgresql() -> None:
        await ping(engines[-1])

    async def log_keys() -> None:
        async with pools[-1].acquire() as connection:
            await master_keys.check(connection)

    activity = SourceActivity(
        lambda counts: add_counts(engines[-1], counts), lambda: prune_activity(engines[-1], datetime.now(UTC) - KEPT)
    )
    kafka = KafkaLog(settings, budget, replace_after, activity.acknowledged)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        control = open_engine(database_url, name="onefold-ingress", statement_timeout=5)
        pool = create_pool(database_url, name="onefold-ingress-visibility", statement_timeout=5, min_size=0, max_size=2)
        lookups = create_pool(
            database_url, name="onefold-ingress-identity", statement_timeout=5, min_size=0, max_size=2
        )
        async with control as engine, pool as read_models, lookups as identity_pool, kafka:
            engines.append(engine)
            pools.append(identity_pool)
            sources = ControlPlaneSources(engine, master, clock, lookup_within)
            visibility = PostgresVisibility(read_models, master, visible_within)
            known_identity = PostgresIdentity(
                identity_pool, master, settings.default_region, clock, settings.ack_timeout * _WARNING_SHARE
            )
            limits = RateLimits[str](Allowance.of(settings.source_rate), clock)
            source_service = SourceService(engine, master, kafka.append_event)
            authenticator = Authenticator(partial(find_key, engine), lookup_within, app.state.key_guard, clock)
            app.state.ingress = Ingress(
                settings,
                authenticator,
                sources,
                kafka,
                budget,
                peers,
                visibility,
                known_identity,
                known_identity,
                known_identity,
                PostgresSegments(identity_pool),
                limits,
                engine,
                source_service,
                id_of(master),
                activity,
            )
            sites = ControlPlaneSites(engine, master, clock, lookup_within)
            dedup = DailyDedup()
            app.state.segment_intake = SegmentIntake(
                sites, kafka, budget, peers, dedup, limits, known_identity, activity
            )
            checks = asyncio.create_task(LoginChecks(dedup, known_identity, kafka).run())
            saving = asyncio.create_task(activity.run())
            try:
                yield
            finally:
                await cancel_all(checks, saving)
                await activity.close()

    checks = {"kafka": kafka.check, "postgresql": postgresql, "log_keys": log_keys}
    return Service(COLD, lifespan, checks, {LogUnavailable: log_problem}, hot=HOT)


def create_app(
    settings: Settings,
    clock: Callable[[], float] = time.monotonic,
    visible_within: float = VISIBLE_WITHIN,
    replace_after: float = REPLACE_AFTER,
) -> Application:
    """Ingress as an application of its own; see ingress_service."""
    service = ingress_service(settings, clock, visible_within, replace_after)
    return application(access_service(settings, clock), service, title="Onefold ingress", docs_url=None)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when the port is another's."""
    app = create_app(settings)
    tune_gc()
    with contextlib.closing(listen(settings.host, settings.port)) as listener:
        host, port = listener.getsockname()[:2]
        log.info("ingress_listens", host=host, port=port)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(app, listener, bounds_of(settings)))
    log.info("ingress_stopped")
