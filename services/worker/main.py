"""The worker process, put together: settings in, a running worker out."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import asyncpg
import structlog
import uvloop
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from faust.contrib.asgi import faust_app_running

from projections.engine.generations import active_generation
from schemas.topics import DEAD_LETTERS, TOPICS
from services.runtime.cancelling import cancel_all
from services.runtime.contact_ids import id_of
from services.runtime.database import create_pool, dedicated_connection, is_transient
from services.runtime.http import NotReady, serve_health
from services.runtime.retrying import Retrier
from services.runtime.settings import Settings
from services.worker.adapters import KafkaDeadLetters, KafkaNextAgents, PostgresReadModels
from services.worker.agent_spec import AgentFactory, AgentSpec, BackgroundService, WorkerResources
from services.worker.agents.app import Reader, add_agent, create_app
from services.worker.chunked_transport import ChunkedApp, LogTruncated
from services.worker.core.dead_letter_limit import DeadLetterLimit
from services.worker.handlers import ChunkHandler
from services.worker.partition_executor import PartitionExecutor
from services.worker.partition_runner import Progress, Worker
from services.worker.ports import DeadLetters
from services.worker.watchdog import EXIT_LOG_LOST, EXIT_STUCK, Watchdog

log = structlog.get_logger(__name__)
T = TypeVar("T")

LANES: Final = 2
_NAME: Final = "onefold-worker"
_STOP_WITHIN = 10.0
_HINT_EVERY = 5.0
_LOCKS_OUTLIVE = 3  # session timeouts: above what a chunk's folding takes between two statements
_LOOK_EVERY = 0.2


def run(settings: Settings, makers: Sequence[AgentFactory]) -> int:
    """Run a worker that does these works until it is told to stop; the process's exit status."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(_run(settings, makers))
    log.info("worker_stopped", status=status)
    return status


async def _run(settings: Settings, makers: Sequence[AgentFactory]) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    retrier = Retrier()
    try:
        generation = await _unless_told(
            stop, retrier.until_done("postgresql", lambda: _generation(settings), is_transient)
        )
        size = LANES * len(makers) + 2
        async with _pool(settings, generation, size) as pool, _producer(settings, retrier, stop) as producer:
            read_models = PostgresReadModels(pool, retrier)
            letters = KafkaDeadLetters(producer, DEAD_LETTERS.full_name(settings.topic_prefix), retrier)
            next_agents = KafkaNextAgents(producer, settings.topic_prefix, retrier)
            connect = partial(_connection, settings, generation)
            edge = WorkerResources(settings, id_of(settings.master_key), next_agents.send, connect, producer)
            group = f"{settings.topic_prefix}-{generation}"
            works = [make(edge) for make in makers]
            app, reader, lanes, progress = _assemble(edge, works, group, read_models, letters)
            watchdog = Watchdog(
                progress, retrier, reader.lag, lambda: _servers_answer(settings, pool), settings.stuck_after
            )
            checks = {"postgresql": lambda: _ask(pool), "partitions": lambda: _partitions(progress, reader)}
            async with _in_background(
                watchdog.beat(),
                _hints(reader),
                _sweeps(read_models, settings.session_timeout),
                serve_health(settings.host, settings.worker_port, checks),
            ):
                watchdog.start()
                return await _until_told(app, lanes, [one for work in works for one in work.companions], stop)
    except _ToldToStop:
        return 0


class _ToldToStop(Exception):
    """The process was told to stop while it waited for a server."""


async def _unless_told(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives. Raises _ToldToStop as soon as the process is told to stop, giving the work up."""
    task, told = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise _ToldToStop
    finally:
        await cancel_all(task, told)


def _assemble(
    edge: WorkerResources, works: Sequence[AgentSpec], group: str, read_models: PostgresReadModels, letters: DeadLetters
) -> tuple[ChunkedApp, Reader, list[PartitionExecutor], Progress]:
    settings, progress = edge.settings, Progress()
    fuse = DeadLetterLimit(settings.dead_letter_limit, settings.dead_letter_window)
    app = create_app(settings, group, read_models)
    reader = Reader(app)
    lanes = []
    for work in works:
        projector = ChunkHandler(work, edge.id_of, read_models, letters, fuse)
        lanes.append(PartitionExecutor(Worker(projector, progress, reader).handle, app.crash, LANES))
        add_agent(app, work, work.topic.full_name(settings.topic_prefix), lanes[-1])
    return app, reader, lanes, progress


async def _until_told(
    app: ChunkedApp, lanes: Sequence[PartitionExecutor], companions: Sequence[BackgroundService], stop: asyncio.Event
) -> int:
    """Run the app until the process is told to stop (0) or the app has crashed (start me again)."""
    try:
        async with asyncio.timeout(None) as limit, _running(app, companions):
            log.info("worker_started")
            while not stop.is_set() and not app.crashed:  # noqa: ASYNC110 - a crash has no public event to wait for
                await asyncio.sleep(_LOOK_EVERY)
            limit.reschedule(asyncio.get_running_loop().time() + _STOP_WITHIN)
            await asyncio.gather(*(lane.drained() for lane in lanes))
    except TimeoutError:
        log.warning("worker_stop_slow")  # the rows are safe: offsets move with them
    except KafkaError as error:  # it went away while the app started
        log.warning("server_away", server="kafka", error=type(error).__name__)
        return EXIT_STUCK
    finally:
        await asyncio.gather(*(lane.abandon() for lane in lanes))
    if app.crashed:
        log.error("worker_crashed", error=type(app.crash_reason).__name__, detail=str(app.crash_reason))
        return EXIT_LOG_LOST if isinstance(app.crash_reason, LogTruncated) else EXIT_STUCK
    return 0


@contextlib.asynccontextmanager
async def _running(app: ChunkedApp, companions: Sequence[BackgroundService]) -> AsyncIterator[None]:
    async with faust_app_running(app), _in_background(*(_accompany(app, one) for one in companions)):
        yield


async def _accompany(app: ChunkedApp, companion: BackgroundService) -> None:
    try:
        await companion.run()
    except Exception as error:  # noqa: BLE001 - whatever it is, the worker can't do all of its work
        await app.crash(error)


async def _generation(settings: Settings) -> str:
    connection = await asyncpg.connect(settings.database_url, timeout=10)
    try:
        return await active_generation(connection)
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def _pool(settings: Settings, generation: str, size: int) -> AsyncIterator[Any]:
    pool: Any = create_pool(
        settings.database_url,
        schema=generation,
        least=0,
        size=size,
        idle_in_transaction=_LOCKS_OUTLIVE * settings.session_timeout,
        name=_NAME,
        by_key=True,
    )
    async with pool:
        try:
            yield pool
        finally:
            pool.terminate()  # to close politely would wait for statements that a server which is away never answers


def _connection(settings: Settings, generation: str) -> contextlib.AbstractAsyncContextManager[Any]:
    silent_for = _LOCKS_OUTLIVE * settings.session_timeout
    return dedicated_connection(settings.database_url, schema=generation, silent_for=silent_for, name=_NAME)


@contextlib.asynccontextmanager
async def _producer(settings: Settings, retrier: Retrier, stop: asyncio.Event) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_servers, acks="all", max_request_size=max(one.largest_record for one in TOPICS)
    )
    try:
        await _unless_told(
            stop, retrier.until_done("kafka", producer.start, lambda error: isinstance(error, KafkaError | OSError))
        )
        yield producer
    finally:
        with contextlib.suppress(TimeoutError):  # what is not sent yet is sent again by the partition's next owner
            async with asyncio.timeout(_STOP_WITHIN / 5):
                await producer.stop()


@contextlib.asynccontextmanager
async def _in_background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        await cancel_all(*tasks)


async def _hints(reader: Reader) -> None:
    while True:
        await asyncio.sleep(_HINT_EVERY)
        with contextlib.suppress(Exception):  # a hint that fails is given again
            await reader.hint()


async def _servers_answer(settings: Settings, pool: Any) -> bool:
    """Whether both servers can be reached, so that a worker without progress has no excuse."""
    host, port = settings.kafka_servers.split(",")[0].rsplit(":", 1)
    try:
        async with asyncio.timeout(5):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
            await _ask(pool)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


async def _ask(pool: Any) -> None:
    await pool.fetchval("SELECT 1")


async def _sweeps(read_models: PostgresReadModels, session_timeout: float) -> None:
    while True:
        await asyncio.sleep(session_timeout)
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):  # the next one will do
            await read_models.end_stalled(_LOCKS_OUTLIVE * session_timeout)


async def _partitions(progress: Progress, reader: Reader) -> None:
    stopped = {place: why for place, (_, why) in progress.stopped.items() if reader.has(*place)}
    if stopped:
        raise NotReady(f"{len(stopped)} stopped: {', '.join(sorted(set(stopped.values())))}")
