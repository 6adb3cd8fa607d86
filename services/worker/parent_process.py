"""Ends this process with the one that started it, however that ends, and whatever this one waits for or is doing."""

import ctypes
import os
import signal
import sys
import threading
import time
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_LOOK_EVERY: Final = 1.0  # seconds
# First of all, so that a child never outlives its parent: until then it takes seconds to import what it needs.
_CLI: Final = (
    "from services.worker.parent_process import end_with; end_with({parent}); from services.cli import app; app()"
)


def command_beside(*arguments: str) -> tuple[str, ...]:
    """A command of `onefold` as a child of this process, with which it ends."""
    return (sys.executable, "-c", _CLI.format(parent=os.getpid()), *arguments)


def end_with(parent: int) -> None:
    """Kill this process as soon as ``parent``, which has started it, is no longer its parent.

    A parent that ends in order ends its children first, so there is nothing left to do in order. On Linux the kernel
    sends the signal, which also ends a process that is suspended.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    """Also for a parent that ended before the kernel was asked, and for systems whose kernel can't be asked."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGKILL)
