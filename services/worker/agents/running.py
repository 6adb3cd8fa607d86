"""Runs the Faust app with its background services until the process is told to stop, or the app has crashed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiokafka.errors import KafkaError
from faust.contrib.asgi import faust_app_running

from services.worker.agent_spec import BackgroundService
from services.worker.chunked_transport import ChunkedApp
from services.worker.core.exit_status import EXIT_LOG_TRUNCATED, EXIT_STUCK
from services.worker.handlers.partition_executor import PartitionExecutor
from services.worker.ports import LogTruncated
from services.worker.tasks import in_background

log = structlog.get_logger(__name__)

_STOP_WITHIN: Final = 10.0
_LOOK_EVERY: Final = 0.2


async def run_until_stopped(
    app: ChunkedApp,
    executors: Sequence[PartitionExecutor],
    services: Sequence[BackgroundService],
    stop: asyncio.Event,
) -> int:
    """The exit status: 0 if ``stop`` was set; otherwise why the app crashed. Chunks under way may end first."""
    try:
        async with asyncio.timeout(None) as limit, _running(app, services):
            log.info("worker_started")
            while not stop.is_set() and not app.crashed:  # noqa: ASYNC110 - a crash has no public event to wait for
                await asyncio.sleep(_LOOK_EVERY)
            limit.reschedule(asyncio.get_running_loop().time() + _STOP_WITHIN)
            await asyncio.gather(*(executor.drain() for executor in executors))
    except TimeoutError:
        log.warning("worker_stop_slow")  # the rows are safe: the offsets move with them
    except KafkaError as error:  # Kafka went away while the app started
        log.warning("server_away", server="kafka", error=type(error).__name__)
        return EXIT_STUCK
    finally:
        await asyncio.gather(*(executor.cancel() for executor in executors))
    if app.crashed:
        log.error("worker_crashed", error=type(app.crash_reason).__name__, detail=str(app.crash_reason))
        return EXIT_LOG_TRUNCATED if isinstance(app.crash_reason, LogTruncated) else EXIT_STUCK
    return 0


@asynccontextmanager
async def _running(app: ChunkedApp, services: Sequence[BackgroundService]) -> AsyncIterator[None]:
    async with faust_app_running(app), in_background(*(_run_service(app, one) for one in services)):
        yield


async def _run_service(app: ChunkedApp, service: BackgroundService) -> None:
    try:
        await service.run()
    except Exception as error:  # noqa: BLE001 - whatever it is, the worker can't do all of its work
        await app.crash(error)
