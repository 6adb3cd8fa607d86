"""A token bucket: an allowance of tokens per second, and a burst. Time is an argument, in seconds."""

from typing import Final, NamedTuple, Self

BURST_SECONDS: Final = 2.0


class Allowance(NamedTuple):
    """How many tokens a second come in, and how many a full bucket holds: at least 1."""

    rate: float
    burst: float

    @classmethod
    def of(cls, rate: float, burst: float | None = None) -> Self:
        """The allowance of a rate; a bucket holds ``burst`` tokens, by default those of ``BURST_SECONDS``."""
        return cls(rate, max(1.0, rate * BURST_SECONDS if burst is None else burst))


class Bucket(NamedTuple):
    """The tokens left, and at which time. Fewer than none are left where more was let through than there was."""

    left: float
    at: float


def full(allowance: Allowance, now: float) -> Bucket:
    """A full bucket."""
    return Bucket(allowance.burst, now)


def take(bucket: Bucket, allowance: Allowance, cost: float, now: float) -> tuple[Bucket, float]:
    """The bucket after taking, and 0; or, where there is too little in it, as it is, and the seconds to wait.

    What costs more than a full bucket holds is let through by a full one, which then owes the rest: it could never
    be let through otherwise. A clock that goes back gives nothing and takes nothing.
    """
    most, now = allowance.burst, max(now, bucket.at)
    left = min(most, bucket.left + (now - bucket.at) * allowance.rate)
    if left < cost and (missing := min(cost, most) - left) > _ROUNDING * most:
        return Bucket(left, now), missing / allowance.rate
    return Bucket(left - cost, now), 0.0


# Time is a float: what is missing by less than this share is rounding, and waiting for it could go on for ever.
_ROUNDING: Final = 1e-9
