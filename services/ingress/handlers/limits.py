"""The rate limit of each source: one token bucket per source, in this process's memory.

Tokens are taken only after the sender has proved who it is, so nobody can use up the allowance of another source.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from services.ingress.core.buckets import Bucket, full, take

_MOST: Final = 10_000


class TooFast(Exception):
    """The source has used up its allowance; ``wait`` seconds from now this request would be within it."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"{wait:.3f} s too early")
        self.wait = wait


class Limits:
    """The buckets of the sources that sent something lately."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic, most: int = _MOST) -> None:
        """``rate`` is what a source may do in a second, unless it has its own; ``most`` buckets are remembered."""
        self._rate, self._clock, self._most = rate, clock, most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def spend(self, source: str, rate: float | None = None, cost: float = 1.0) -> None:
        """Take one request's ``cost`` (1, or its number of events). Raises TooFast, and then nothing was taken."""
        now, rate = self._clock(), rate or self._rate
        bucket, wait = take(self._buckets.get(source) or full(rate, now), rate, cost, now)
        self._buckets[source] = bucket
        self._buckets.move_to_end(source)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        if wait:
            raise TooFast(wait)
