"""The composition root of the worker process: from settings to a running worker."""

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
import uvloop

from projections.engine.generations import IncompatibleGeneration
from schemas.topics import DEAD_LETTERS, Topic
from services.runtime.contact_ids import id_of
from services.runtime.database import is_transient
from services.runtime.errors import EXIT_INCOMPATIBLE
from services.runtime.http import serve_health
from services.runtime.retrying import Retrier
from services.runtime.settings import Settings
from services.worker import health
from services.worker.adapters import kafka, postgres
from services.worker.agent_spec import AgentFactory, BackgroundService, WorkerResources
from services.worker.agents.app import FaustPartitionReader, add_agent, create_app
from services.worker.agents.running import run_until_stopped
from services.worker.background.upkeep import commit_hints, end_stalled_transactions
from services.worker.background.watchdog import Watchdog
from services.worker.chunked_transport import ChunkedApp
from services.worker.core.dead_letter_limit import DeadLetterLimit
from services.worker.handlers.chunk_handler import ChunkHandler
from services.worker.handlers.partition_executor import CHUNKS_AT_ONCE, PartitionExecutor
from services.worker.handlers.partition_runner import PartitionRunner, WorkerProgress
from services.worker.ports import DeadLetters
from services.worker.tasks import StoppedWhileWaiting, in_background, unless_stopped

log = structlog.get_logger(__name__)


def run(settings: Settings, factories: Sequence[AgentFactory]) -> int:
    """Run a worker with these agents until it is told to stop (SIGTERM, SIGINT); returns the exit status."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(_run(settings, factories))
    log.info("worker_stopped", status=status)
    return status


async def _run(settings: Settings, factories: Sequence[AgentFactory]) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        return await _work(settings, factories, stop)
    except StoppedWhileWaiting:
        return 0
    except IncompatibleGeneration as error:
        log.error("generation_incompatible", reason=str(error))  # noqa: TRY400 - the reason says it all
        return EXIT_INCOMPATIBLE


async def _work(settings: Settings, factories: Sequence[AgentFactory], stop: asyncio.Event) -> int:
    retrier = Retrier()
    find_generation = partial(postgres.current_generation, settings)
    generation = await unless_stopped(stop, retrier.until_done("postgresql", find_generation, is_transient))
    size = CHUNKS_AT_ONCE * len(factories) + 2  # two for the health page and the watchdog

    def topic_name(topic: Topic) -> str:
        return topic.full_name(settings.topic_prefix, generation.topic_suffix)

    async with postgres.open_pool(settings, generation.name, size) as pool, kafka.open_producer(settings) as producer:
        await unless_stopped(stop, retrier.until_done("kafka", producer.start, kafka.is_transient))
        read_models = postgres.PostgresReadModelWriter(pool, retrier)
        resources = WorkerResources(
            settings,
            topic_name,
            id_of(settings.master_key),
            kafka.KafkaNextAgents(producer, topic_name, retrier).send,
            partial(postgres.connect, settings, generation.name),
            producer,
        )
        dead_letters = kafka.KafkaDeadLetters(producer, topic_name(DEAD_LETTERS), retrier)
        agents = _build_agents(resources, factories, generation.name, read_models, dead_letters)
        watchdog = Watchdog(
            agents.progress,
            retrier,
            agents.reader.lag,
            partial(health.servers_answer, settings, pool),
            settings.stuck_after,
        )
        checks = {
            "postgresql": partial(postgres.answers, pool),
            "partitions": partial(health.no_partition_stopped, agents.progress, agents.reader),
            "changes": partial(health.changes_are_sent, pool, settings.stuck_after),
        }
        async with in_background(
            watchdog.beat(),
            commit_hints(agents.reader.commit_hint),
            end_stalled_transactions(
                read_models.end_stalled, every=settings.session_timeout, after=postgres.silence_limit(settings)
            ),
            serve_health(settings.host, settings.worker_port, checks),
        ):
            watchdog.start()
            return await run_until_stopped(agents.app, agents.executors, agents.services, stop)


@dataclass(frozen=True, slots=True)
class _Agents:
    """The Faust app with its agents, and what works for them."""

    app: ChunkedApp
    reader: FaustPartitionReader
    progress: WorkerProgress
    executors: Sequence[PartitionExecutor]
    services: Sequence[BackgroundService]


def _build_agents(
    resources: WorkerResources,
    factories: Sequence[AgentFactory],
    generation: str,
    read_models: postgres.PostgresReadModelWriter,
    dead_letters: DeadLetters,
) -> _Agents:
    settings, progress = resources.settings, WorkerProgress()
    limit = DeadLetterLimit(settings.dead_letter_limit, settings.dead_letter_window)
    app = create_app(settings, f"{settings.topic_prefix}-{generation}", read_models)
    reader = FaustPartitionReader(app)
    specs = [make(resources) for make in factories]
    executors = []
    for spec in specs:
        handler = ChunkHandler(spec, resources.id_of, read_models, dead_letters, limit)
        runner = PartitionRunner(handler, progress, reader)
        executors.append(PartitionExecutor(handler.decode, runner.handle, app.crash))
        add_agent(app, spec, resources.topic_name(spec.topic), executors[-1])
    return _Agents(app, reader, progress, executors, [service for spec in specs for service in spec.background])
