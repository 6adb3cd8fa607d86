"""The ingress process, put together: settings in, an HTTP service out."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog
import uvloop
from fastapi import FastAPI

from services.control.access import access_service
from services.control.auth import Authenticator
from services.control.keys import find_key
from services.control.source_activity import KEPT, SourceCounts, SourceHour, add_counts, prune_activity
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
    parts = _Parts(settings, clock, visible_within, replace_after)
    checks = {"kafka": parts.kafka.check, "postgresql": parts.check_postgresql, "log_keys": parts.check_log_keys}
    return Service(COLD, parts.lifespan, checks, {LogUnavailable: log_problem}, hot=HOT)


class _Parts:
    """What ingress is made of. The connections to PostgreSQL are there while the `lifespan` lasts."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float], visible_within: float, replace_after: float
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._visible_within = visible_within
        self._lookup_within = settings.ack_timeout * _LOOKUP_SHARE
        self._budget = Budget(max(_LEAST_BUDGET, LEAST_BODIES * settings.body_limit))
        self._peers = Peers(networks_in(settings.trusted_proxies or ""))
        self._master_keys = MasterKeyCheck(settings.master_key_file)
        self._activity = SourceActivity(self._add_counts, self._prune_activity)
        self.kafka = KafkaLog(settings, self._budget, replace_after, self._activity.acknowledged)
        self._engine: Engine
        self._lookups: LookupPool
        INGRESS_BYTES.set_function(lambda: self._budget.used)

    async def check_postgresql(self) -> None:
        """Raises what the driver raises while PostgreSQL is away."""
        await ping(self._engine)

    async def check_log_keys(self) -> None:
        """Raises NotReady while the master key can't open the keys of the log."""
        async with self._lookups.acquire() as connection:
            await self._master_keys.check(connection)

    @contextlib.asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Open the connections, and do what ingress does besides answering."""
        async with (
            open_engine(self._settings.database_url, name="onefold-ingress", statement_timeout=5) as self._engine,
            self._pool("visibility") as read_models,
            self._pool("identity") as self._lookups,
            self.kafka,
        ):
            identity = self._identity()
            dedup = DailyDedup()
            self._give(
                app, PostgresVisibility(read_models, self._settings.master_key, self._visible_within), identity, dedup
            )
            checks = asyncio.create_task(LoginChecks(dedup, identity, self.kafka).run())
            saving = asyncio.create_task(self._activity.run())
            try:
                yield
            finally:
                await cancel_all(checks, saving)
                await self._activity.close()

    def _give(
        self, app: FastAPI, visibility: PostgresVisibility, identity: PostgresIdentity, dedup: DailyDedup
    ) -> None:
        """Have the routes find what they use."""
        settings, clock, master, engine = self._settings, self._clock, self._settings.master_key, self._engine
        limits = RateLimits[str](Allowance.of(settings.source_rate), clock)
        app.state.ingress = Ingress(
            settings,
            Authenticator(partial(find_key, engine), self._lookup_within, app.state.key_guard, clock),
            ControlPlaneSources(engine, master, clock, self._lookup_within),
            self.kafka,
            self._budget,
            self._peers,
            visibility,
            identity,
            identity,
            identity,
            PostgresSegments(self._lookups),
            limits,
            engine,
            SourceService(engine, master, self.kafka.append_event),
            id_of(master),
            self._activity,
        )
        sites = ControlPlaneSites(engine, master, clock, self._lookup_within)
        app.state.segment_intake = SegmentIntake(
            sites, self.kafka, self._budget, self._peers, dedup, limits, identity, self._activity
        )

    def _identity(self) -> PostgresIdentity:
        settings, within = self._settings, self._settings.ack_timeout * _WARNING_SHARE
        return PostgresIdentity(self._lookups, settings.master_key, settings.default_region, self._clock, within)

    def _pool(self, what_for: str) -> LookupPool:
        url, name = self._settings.database_url, f"onefold-ingress-{what_for}"
        return create_pool(url, name=name, statement_timeout=5, min_size=0, max_size=2)

    async def _add_counts(self, counts: Mapping[SourceHour, SourceCounts]) -> None:
        await add_counts(self._engine, counts)

    async def _prune_activity(self) -> None:
        await prune_activity(self._engine, datetime.now(UTC) - KEPT)


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
