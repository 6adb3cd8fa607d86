"""The composition root of the worker process: from settings to a running worker."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
import uvloop

from projections.engine.generation_records import IncompatibleGeneration, NoSuchGeneration
from services.runtime.errors import EXIT_INCOMPATIBLE
from services.runtime.http import serve_health_on
from services.runtime.settings import Settings
from services.vault.key_check import MasterKeyCheck
from services.worker import health
from services.worker.adapters import postgres
from services.worker.agent_spec import AgentFactory
from services.worker.agents.running import run_until_stopped
from services.worker.background.generations import FedGenerations, WorkerRole
from services.worker.background.upkeep import (
    collect_between_chunks,
    commit_hints,
    end_stalled_transactions,
    follow_hold,
    report_lag,
)
from services.worker.background.watchdog import Watchdog
from services.worker.chunked_transport import ChunkedApp
from services.worker.core.exit_status import EXIT_STUCK
from services.worker.folding import Folding
from services.worker.ports import LogTruncated
from services.worker.servers import WorkerServers, open_servers
from services.worker.tasks import StoppedWhileWaiting, in_background
from services.worker.waiting_for_repair import needs_a_person, wait_for_repair

log = structlog.get_logger(__name__)

_ALL_GENERATIONS: Final = WorkerRole()


def run(
    settings: Settings,
    factories: Sequence[AgentFactory],
    role: WorkerRole = _ALL_GENERATIONS,
    *,
    on_stop: Callable[[], None] = lambda: None,
) -> int:
    """Run a worker with these agents until it is told to stop (SIGTERM, SIGINT); returns the exit status.

    ``on_stop`` is called as soon as it is told, or has nothing left to do.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(_run(settings, factories, role, on_stop))
        if settings.wait_for_repair and needs_a_person(status) and role.beside is None:
            runner.run(wait_for_repair(settings, status))
    log.info("worker_stopped", status=status)
    return status


@dataclass(frozen=True, slots=True)
class _Stopping:
    """Set once the worker was told to stop, or has nothing left to do."""

    event: asyncio.Event
    on_stop: Callable[[], None]

    def __call__(self) -> None:
        if not self.event.is_set():
            self.event.set()
            self.on_stop()


async def _run(
    settings: Settings, factories: Sequence[AgentFactory], role: WorkerRole, on_stop: Callable[[], None]
) -> int:
    stopping = _Stopping(asyncio.Event(), on_stop)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping)
    try:
        return await _work(settings, factories, role, stopping)
    except StoppedWhileWaiting:
        return 0
    except IncompatibleGeneration as error:
        log.error("generation_incompatible", reason=str(error))  # noqa: TRY400 - the reason says it all
        return EXIT_INCOMPATIBLE
    except NoSuchGeneration as error:
        log.error("generation_not_fed", reason=str(error))  # noqa: TRY400 - the reason says it all
        return 1


async def _work(settings: Settings, factories: Sequence[AgentFactory], role: WorkerRole, stopping: _Stopping) -> int:
    stop = stopping.event
    async with open_servers(settings, role.generation, len(factories), stop) as servers:
        folding = Folding(servers, factories)
        await servers.ask(folding.read_hold)
        watchdog = Watchdog(
            folding.progress,
            servers.retrier,
            folding.lag,
            partial(health.servers_answer, settings, servers.pool),
            settings.stuck_after,
        )
        fed = FedGenerations(servers.pool, servers.generation.name, servers.digest, role, stop, stopping)
        async with in_background(watchdog.beat(), *_upkeep(servers, folding), _serve_page(servers, folding, role, fed)):
            watchdog.start()
            feeding = asyncio.create_task(fed.run())
            status = await run_until_stopped(folding.app, folding.executors, folding.services, stop)
            stop.set()
            await feeding
            return EXIT_STUCK if fed.gone and role.generation is None else status


def _upkeep(servers: WorkerServers, folding: Folding) -> tuple[Coroutine[None, None, None], ...]:
    """What a worker does again and again beside folding."""
    settings = servers.settings
    return (
        report_lag(folding.lag_by_topic, servers.retrier.unavailable),
        follow_hold(folding.read_hold),
        _crash_by(folding.app, folding.followed.watch()),
        commit_hints(folding.commit_hint),
        collect_between_chunks(lambda: any(one.at_work for one in folding.executors)),
        end_stalled_transactions(
            folding.read_models.end_stalled, every=settings.session_timeout, after=postgres.silence_limit(settings)
        ),
    )


async def _serve_page(servers: WorkerServers, folding: Folding, role: WorkerRole, fed: FedGenerations) -> None:
    """Serve the health page and the metrics."""
    settings, pool, progress = servers.settings, servers.pool, folding.progress
    checks = {
        "postgresql": partial(postgres.answers, pool),
        "log_keys": partial(health.log_keys_open, pool, MasterKeyCheck(settings.master_key_file)),
        "partitions": partial(health.no_partition_stopped, progress, folding.reader),
        "progress": partial(health.chunks_are_committed, progress, folding.lag, settings.stuck_after),
        "changes": partial(health.changes_are_sent, pool, settings.stuck_after),
    }
    listener = role.health_listener(settings.host, settings.worker_port)
    await serve_health_on(listener, checks, metrics=fed.metrics)


async def _crash_by(app: ChunkedApp, watching: Coroutine[None, None, None]) -> None:
    """Have the app crash when its log turns out to be another one."""
    try:
        await watching
    except LogTruncated as error:
        await app.crash(error)
