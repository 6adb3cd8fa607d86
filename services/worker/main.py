"""The composition root of the worker process: from settings to a running worker."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
import uvloop

from projections.as_of.cutoff import Cutoff
from projections.engine.generations import IncompatibleGeneration, NoSuchGeneration
from projections.registry import schema_of
from schemas.topics import CHANNEL_EVENTS, DEAD_LETTERS, IDENTITY_EVIDENCE, Topic
from services.runtime.contact_ids import id_of
from services.runtime.database import is_transient
from services.runtime.errors import EXIT_INCOMPATIBLE
from services.runtime.http import serve_health_on
from services.runtime.retrying import Retrier
from services.runtime.settings import Settings
from services.vault.key_check import MasterKeyCheck
from services.vault.records import open_log_sealing
from services.worker import health
from services.worker.adapters import kafka, postgres
from services.worker.adapters.sealing import RetriedSealing
from services.worker.adapters.topics import FollowedTopics
from services.worker.agent_spec import AgentFactory, AgentSpec, BackgroundService, WorkerResources
from services.worker.agents.app import FaustPartitionReader, add_agent, create_app, records_at_once
from services.worker.agents.running import run_until_stopped
from services.worker.background.generations import FedGenerations, WorkerRole
from services.worker.background.upkeep import commit_hints, end_stalled_transactions, follow_hold, report_lag
from services.worker.background.watchdog import Watchdog
from services.worker.chunked_transport import ChunkedApp
from services.worker.core.dead_letter_limit import DeadLetterLimit
from services.worker.core.exit_status import EXIT_STUCK
from services.worker.core.lag import TopicLag
from services.worker.core.waiting_chunks import WaitingChunks
from services.worker.handlers.chunk_handler import ChunkHandler
from services.worker.handlers.partition_executor import CHUNKS_AT_ONCE, JOIN_WITHIN, PartitionExecutor
from services.worker.handlers.partition_runner import PartitionRunner, WorkerProgress
from services.worker.handlers.turns import PacedTurns
from services.worker.ports import LogTruncated
from services.worker.tasks import StoppedWhileWaiting, in_background, unless_stopped
from services.worker.waiting_for_repair import needs_a_person, wait_for_repair

log = structlog.get_logger(__name__)

_ALL_GENERATIONS: Final = WorkerRole()
_FOLDED: Final = (CHANNEL_EVENTS, IDENTITY_EVIDENCE)


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
    stop, retrier = stopping.event, Retrier()
    find_generation = partial(postgres.current_generation, settings, role.generation)
    generation = await unless_stopped(stop, retrier.until_done("postgresql", find_generation, is_transient))
    size = CHUNKS_AT_ONCE * len(factories) + 3  # for the health page, the watchdog and the generations

    def topic_name(topic: Topic) -> str:
        return generation.topic_name(topic, settings.topic_prefix)

    def lag_by_topic() -> Mapping[str, TopicLag]:
        return progress.ages.lag(agents.reader.left(progress.committed))

    async with (
        postgres.open_pool(settings, generation.name, size) as pool,
        kafka.open_producer(settings) as producer,
        open_log_sealing(settings, name="onefold-worker") as opened_sealing,
    ):
        sealing = RetriedSealing(opened_sealing, retrier)
        await unless_stopped(stop, retrier.until_done("kafka", producer.start, kafka.is_transient))
        read_record = partial(postgres.record_of, pool, generation.name)
        record = await unless_stopped(stop, retrier.until_done("postgresql", read_record, is_transient))
        cutoff = Cutoff.at(*record.horizon)
        bulk = record.loading
        progress = WorkerProgress()
        turns = PacedTurns(stop, progress.moved)
        # An attempt ends well before the watchdog would end the worker.
        digest = schema_of(generation.read_models).digest
        read_models = postgres.PostgresReadModelWriter(
            pool, retrier, progress.moved, settings.stuck_after / 2, digest, lambda: bulk and app.hold is not None
        )
        resources = WorkerResources(
            settings,
            topic_name,
            id_of(settings.master_key),
            kafka.KafkaNextAgents(producer, topic_name, retrier, sealing).send,
            partial(postgres.connect, settings, generation.name),
            producer,
            bulk,
            generation.read_models,
            lambda: max((one.seconds for one in lag_by_topic().values()), default=0.0),
            sealing,
        )
        dead_letters = kafka.KafkaDeadLetters(producer, topic_name(DEAD_LETTERS), generation.name, retrier)
        limit = DeadLetterLimit(settings.dead_letter_limit, settings.dead_letter_window)

        def handler_of(spec: AgentSpec) -> ChunkHandler:
            return ChunkHandler(spec, resources.id_of, read_models, dead_letters, limit, cutoff=cutoff, sealing=sealing)

        group = f"{settings.topic_prefix}-{generation.name}"
        app = create_app(settings, group, read_models, bulk=bulk)

        async def read_hold() -> None:
            app.hold = await postgres.hold_of(pool, generation.name)
            if bulk:
                turns.pace = await postgres.pace_of(pool, generation.name)
                app.chunk_records = records_at_once(settings, turns.pace, bulk=True)

        await unless_stopped(stop, retrier.until_done("postgresql", read_hold, is_transient))
        followed = FollowedTopics(
            settings.kafka_servers, pool, generation.name, [topic_name(one) for one in _FOLDED], retrier
        )
        app.require_topics = followed.require
        agents = _build_agents(app, resources, factories, handler_of, progress, turns)
        lag = partial(agents.reader.lag, progress.committed)
        watchdog = Watchdog(
            progress,
            retrier,
            lag,
            partial(health.servers_answer, settings, pool),
            settings.stuck_after,
        )
        checks = {
            "postgresql": partial(postgres.answers, pool),
            "log_keys": partial(health.log_keys_open, pool, MasterKeyCheck(settings.master_key_file)),
            "partitions": partial(health.no_partition_stopped, progress, agents.reader),
            "progress": partial(health.chunks_are_committed, progress, lag, settings.stuck_after),
            "changes": partial(health.changes_are_sent, pool, settings.stuck_after),
        }
        fed = FedGenerations(pool, generation.name, digest, role, stop, stopping)

        async def serve_page() -> None:
            listener = role.health_listener(settings.host, settings.worker_port)
            await serve_health_on(listener, checks, metrics=fed.metrics)

        async with in_background(
            watchdog.beat(),
            report_lag(lag_by_topic, retrier.unavailable),
            follow_hold(read_hold),
            _crash_by(app, followed.watch()),
            commit_hints(partial(agents.reader.commit_hint, progress.committed)),
            end_stalled_transactions(
                read_models.end_stalled, every=settings.session_timeout, after=postgres.silence_limit(settings)
            ),
            serve_page(),
        ):
            watchdog.start()
            feeding = asyncio.create_task(fed.run())
            status = await run_until_stopped(agents.app, agents.executors, agents.services, stop)
            stop.set()
            await feeding
            return EXIT_STUCK if fed.gone and role.generation is None else status


async def _crash_by(app: ChunkedApp, watching: Coroutine[None, None, None]) -> None:
    """Have the app crash when its log turns out to be another one."""
    try:
        await watching
    except LogTruncated as error:
        await app.crash(error)


@dataclass(frozen=True, slots=True)
class _Agents:
    """The Faust app with its agents, and what works for them."""

    app: ChunkedApp
    reader: FaustPartitionReader
    executors: Sequence[PartitionExecutor]
    services: Sequence[BackgroundService]


def _build_agents(  # noqa: PLR0913, PLR0917 - what agents are made of
    app: ChunkedApp,
    resources: WorkerResources,
    factories: Sequence[AgentFactory],
    handler_of: Callable[[AgentSpec], ChunkHandler],
    progress: WorkerProgress,
    turns: PacedTurns,
) -> _Agents:
    reader = FaustPartitionReader(app)
    specs = [spec for make in factories if (spec := make(resources)) is not None]
    executors = []
    for spec in specs:
        handler = handler_of(spec)
        runner = PartitionRunner(handler, progress, reader)
        waiting = WaitingChunks(lambda: app.chunk_records, together=spec.save_together is not None)
        handle, join_within = turns.paced(runner.handle), JOIN_WITHIN if spec.save_together else 0
        executors.append(PartitionExecutor(runner.decode, handle, app.crash, waiting, join_within=join_within))
        add_agent(app, spec, resources.topic_name(spec.topic), executors[-1])
    return _Agents(app, reader, executors, [service for spec in specs for service in spec.background])
