"""A token bucket: a rate in tokens per second, and a burst. Time is an argument, in seconds."""

from typing import Final, NamedTuple

BURST_SECONDS: Final = 2.0


class Bucket(NamedTuple):
    """The tokens left, and at which time. A full bucket holds ``BURST_SECONDS`` worth, and at least 1."""

    left: float
    at: float


def full(rate: float, now: float) -> Bucket:
    """A full bucket."""
    return Bucket(_most(rate), now)


def take(bucket: Bucket, rate: float, cost: float, now: float) -> tuple[Bucket, float]:
    """The bucket after taking, and 0; or, where there is too little in it, as it is, and the seconds to wait.

    What costs more than a full bucket holds is let through by a full one, which then owes the rest: it could never
    be let through otherwise. A clock that goes back gives nothing and takes nothing.
    """
    most, now = _most(rate), max(now, bucket.at)
    left = min(most, bucket.left + (now - bucket.at) * rate)
    if left < cost and (missing := min(cost, most) - left) > _ROUNDING * most:
        return Bucket(left, now), missing / rate
    return Bucket(left - cost, now), 0.0


# Time is a float: what is missing by less than this share is rounding, and waiting for it could go on for ever.
_ROUNDING: Final = 1e-9


def _most(rate: float) -> float:
    return max(1.0, rate * BURST_SECONDS)
