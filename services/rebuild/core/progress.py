"""How far a rebuild is, in numbers and in words."""

from collections.abc import Mapping
from typing import NamedTuple

TopicPart = tuple[str, int]  # topic, number


class Reached(NamedTuple):
    """How many records of a partition are folded, of how many that are to be."""

    done: int
    total: int


RebuildPositions = Mapping[TopicPart, Reached]


def reached(positions: RebuildPositions) -> Reached:
    """The sum over all partitions."""
    return Reached(sum(one.done for one in positions.values()), sum(one.total for one in positions.values()))


def in_words(seconds: float | None) -> str:
    """A duration for people."""
    if seconds is None:
        return "time left unknown"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min left" if hours else f"{minutes} min {rest} s left" if minutes else f"{rest} s left"


def gives_way(pace: float) -> str:
    """What is added to the progress while workers work only this share of the time."""
    return f" (gives way to the service, pace {pace:.0%})" if pace < 1 else ""
