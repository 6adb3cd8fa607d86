"""Rate limits: one token bucket for each name, in this process's memory. Other processes count by themselves.

Tokens are taken only after the sender has proved who it is, so nobody can use up the allowance of another.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from services.runtime.buckets import Allowance, Bucket, full, take

_MOST: Final = 10_000
N = TypeVar("N", bound=Hashable)


class TooFast(Exception):
    """The allowance is used up; ``wait`` seconds from now this request would be within it."""

    def __init__(self, wait: float, allowance: Allowance, bucket: Bucket) -> None:
        super().__init__(f"{wait:.3f} s too early")
        self.wait, self.allowance, self.bucket = wait, allowance, bucket

    @property
    def retry_after(self) -> str:
        """The seconds to wait, as a header has them."""
        return str(math.ceil(self.wait))


class RateLimits(Generic[N]):
    """The buckets of the names that took something lately."""

    def __init__(self, allowance: Allowance, clock: Callable[[], float] = time.monotonic, most: int = _MOST) -> None:
        """``allowance`` is that of names that have none of their own; ``most`` buckets are remembered."""
        self._allowance, self._clock, self._most = allowance, clock, most
        self._buckets: OrderedDict[N, Bucket] = OrderedDict()

    def spend(self, name: N, own: Allowance | None = None, cost: float = 1.0) -> tuple[Allowance, Bucket]:
        """Take the cost of one request; what is left. Raises TooFast, and then nothing was taken."""
        now, allowance = self._clock(), own or self._allowance
        bucket, wait = take(self._buckets.get(name) or full(allowance, now), allowance, cost, now)
        self._buckets[name] = bucket
        self._buckets.move_to_end(name)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        if wait:
            raise TooFast(wait, allowance, bucket)
        return allowance, bucket


def limit_headers(allowance: Allowance, bucket: Bucket) -> dict[str, str]:
    """``RateLimit-Policy`` and ``RateLimit`` as in the IETF's draft-ietf-httpapi-ratelimit-headers (from -08 on).

    The quota ``q`` is a full bucket, the window ``w`` the seconds that fill an empty one. ``r`` is what is left, ``t``
    in how many seconds the bucket is full again.
    """
    missing = (allowance.burst - bucket.left) / allowance.rate
    return {
        "RateLimit-Policy": f'"key";q={math.floor(allowance.burst)};w={math.ceil(allowance.burst / allowance.rate)}',
        "RateLimit": f'"key";r={max(0, math.floor(bucket.left))};t={math.ceil(missing)}',
    }
