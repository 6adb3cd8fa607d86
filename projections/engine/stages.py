"""How long a chunk spends in each stage of its work.

A ``StageClock`` is always in one stage, so its stages add up to the whole time. Code that does a stage's work calls
``enter``; the caller that started a clock for this chunk reads it in the end. Without a clock, ``enter`` does nothing.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal

# wait: for the chunk before, for a connection, for a server; record: events into the timeline or the evidence;
# load, decide, save: of read models; send: evidence to Kafka; commit: the offsets, and the transaction.
Stage = Literal["decode", "wait", "record", "load", "decide", "save", "send", "commit"]

_CLOCK: Final[ContextVar["StageClock | None"]] = ContextVar("stage_clock", default=None)


class StageClock:
    """Adds up the seconds of each stage. It begins in the stage ``wait``."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._stage: Stage = "wait"
        self._since = clock()
        self._seconds: dict[Stage, float] = {}

    def enter(self, stage: Stage) -> None:
        """The time from now on is this stage's."""
        now = self._clock()
        self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now

    def read(self) -> Mapping[Stage, float]:
        """The seconds of each stage until now."""
        self.enter(self._stage)
        return dict(self._seconds)


@contextmanager
def timed_stages(clock: StageClock) -> Iterator[None]:
    """``enter`` of this task, and of tasks that it starts, goes to the clock."""
    token = _CLOCK.set(clock)
    try:
        yield
    finally:
        _CLOCK.reset(token)


def enter(stage: Stage) -> None:
    """The current chunk's time from now on is this stage's."""
    if (clock := _CLOCK.get()) is not None:
        clock.enter(stage)
