"""Figures, and how they come out of rounds: medians, ratios of medians, and whether a target was met. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from benchmarks.bed import Bed

Round = Mapping[str, float]  # what one round measured, by the figure's key


class BenchmarkFailed(RuntimeError):
    """What was measured did not do its work right, or not in time: there is no figure."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """One figure over another."""

    of: str
    to: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: its key in the JSON object, what it says, and its target if it has one.

    A figure with a ``ratio`` is worked out of two others; every other one is measured in each round.
    """

    key: str
    title: str
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    ratio: Ratio | None = None

    def met(self, value: float) -> bool | None:
        """Whether the value meets the target; None where there is none."""
        if self.at_least is None and self.at_most is None:
            return None
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    events: int
    contacts: int
    rounds: int


class Benchmark(Protocol):
    """Measures some figures. What a round measures side by side, it measures in turns, so that noise hits all alike."""

    figures: Sequence[Figure]

    async def prepare(self, bed: "Bed", size: Size) -> None:
        """Whatever comes before the clock. Called once."""

    async def measure(self, bed: "Bed", number: int) -> Round:
        """One round, counted from 0. Raises BenchmarkFailed where the work was not done right."""

    def facts(self) -> Mapping[str, object]:
        """What else belongs into the JSON object: the numbers of events and contacts, say."""


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """A benchmark's figures with their values, and each round's."""

    figures: Sequence[Figure]
    rounds: Sequence[Round]
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, float]:
        """Each figure's value: the median of the rounds, or a ratio of such medians."""
        values = {one.key: median(self.series(one)) for one in self.figures if one.ratio is None}
        ratios = ((one.key, one.ratio) for one in self.figures if one.ratio is not None)
        return values | {key: values[ratio.of] / values[ratio.to] for key, ratio in ratios}

    def series(self, figure: Figure) -> list[float]:
        """The figure in each round."""
        ratio = figure.ratio
        if ratio is None:
            return [one[figure.key] for one in self.rounds]
        return [one[ratio.of] / one[ratio.to] for one in self.rounds]

    @property
    def verdicts(self) -> dict[str, bool]:
        """Whether the target was met, for each figure that has one."""
        said = ((one.key, one.met(value)) for one, value in self._valued())
        return {key: met for key, met in said if met is not None}

    def _valued(self) -> Iterable[tuple[Figure, float]]:
        values = self.values
        return ((one, values[one.key]) for one in self.figures)
