"""Garbage collection of a process that makes many short-lived objects without cycles."""

import gc
from typing import Final

_YOUNG: Final = 200_000
_WORTH_IT: Final = 20_000


def tune_gc(young: int = _YOUNG) -> None:
    """Collect less often, and never the objects that exist now: call it once everything is imported.

    ``young`` is after how many new objects the newest are collected. That takes about a millisecond a thousand of those
    that are in cycles, and everything waits meanwhile.

    The events of a chunk or of a request live for milliseconds and hold no cycles, so collecting only slows them down
    (a body of many small lists takes five times as long to parse); imported modules live as long as the process. A full
    collection once in a while is enough.
    """
    gc.freeze()
    gc.set_threshold(young, 50, 100)


def collect_newest() -> None:
    """Collect the newest objects, if there are many. Call it when few of them are in use."""
    if gc.get_count()[0] > _WORTH_IT:
        gc.collect(0)
