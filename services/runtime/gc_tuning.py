"""The garbage collector of a process that makes many short-lived objects without cycles."""

import gc


def tune_collector() -> None:
    """Look less often, and never again at what is there now: call it when everything is imported.

    A chunk's events live for milliseconds and hold no cycles, so the collector only slows them down; what has been
    imported lives for ever. A full look once in a while is enough.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
