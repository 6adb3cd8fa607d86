"""One way to say "so many in a hundred"."""

from random import Random


def chance(rng: Random, percent: float) -> bool:
    """True so many times in a hundred."""
    return rng.random() * 100 < percent
