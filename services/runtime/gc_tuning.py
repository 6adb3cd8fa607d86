"""Garbage collection of a process that makes many short-lived objects without cycles."""

import gc


def tune_gc() -> None:
    """Collect less often, and never the objects that exist now: call it once everything is imported.

    A chunk's events live for milliseconds and hold no cycles, so collecting only slows them down; imported modules live
    as long as the process. A full collection once in a while is enough.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
