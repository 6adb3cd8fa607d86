"""Garbage collection of a process that makes many short-lived objects without cycles."""

import gc


def tune_gc() -> None:
    """Collect less often, and never the objects that exist now: call it once everything is imported.

    The events of a chunk or of a request live for milliseconds and hold no cycles, so collecting only slows them down
    (a body of many small lists takes five times as long to parse); imported modules live as long as the process. A full
    collection once in a while is enough.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
