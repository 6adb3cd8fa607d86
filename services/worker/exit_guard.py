"""The last resort of a worker that was told to stop: it ends the process, whatever still runs in it.

A thread of Faust's consumer can go on after all else has ended, and Python waits for it. Nothing is lost: offsets
are committed with the rows they belong to, and what was not committed is read again.
"""

import os
import threading
import time

import structlog

log = structlog.get_logger(__name__)


def exit_within(seconds: float, status: int) -> None:
    """End the process with the status in so many seconds, unless it has ended by then. Returns at once."""
    threading.Thread(target=_exit, args=(seconds, status), name="exit-guard", daemon=True).start()


def _exit(seconds: float, status: int) -> None:
    time.sleep(seconds)
    others = sorted(one.name for one in threading.enumerate() if one is not threading.current_thread())
    log.warning("worker_exit_forced", status=status, threads=others)
    os._exit(status)
