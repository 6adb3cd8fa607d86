"""What a worker does at the end where starting it again can't help, and its supervisor restarts whatever ends."""

import asyncio
import contextlib
import signal
from typing import Final

import structlog

from services.runtime.errors import EXIT_INCOMPATIBLE
from services.runtime.http import NotReady, ReadinessCheck, serve_health
from services.runtime.settings import Settings
from services.worker.core.exit_status import EXIT_LOG_TRUNCATED
from services.worker.tasks import StoppedWhileWaiting, unless_stopped

log = structlog.get_logger(__name__)
_REASONS: Final = {
    EXIT_LOG_TRUNCATED: "the log is not the one that was folded, or is shorter: `onefold doctor` says what to do",
    EXIT_INCOMPATIBLE: "the read models were made by another version of the code: run `onefold rebuild --swap`",
}


def needs_a_person(status: int) -> bool:
    """Whether a worker that ends with the status would end so again."""
    return status in _REASONS


async def wait_for_repair(settings: Settings, status: int) -> None:
    """Serve ``/readyz`` with the reason until SIGTERM or SIGINT."""
    log.error("waiting_for_repair", status=status, reason=_REASONS[status])
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with contextlib.suppress(StoppedWhileWaiting):
        health = serve_health(settings.host, settings.worker_port, {"repair": _not_ready(_REASONS[status])})
        await unless_stopped(stop, health)


def _not_ready(reason: str) -> ReadinessCheck:
    async def check() -> None:
        raise NotReady(reason)

    return check
