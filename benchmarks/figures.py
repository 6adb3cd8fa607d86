"""Figures and how rounds give them: medians, ratios of medians, and whether a target was met. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from benchmarks.bed import Bed

Round = Mapping[str, float]  # the values that one round measured, by the figure's key


class BenchmarkFailed(RuntimeError):
    """The measured work was wrong or too slow to be measured: there is no figure."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """One figure over another."""

    of: str
    to: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: its key in the JSON object, its title and unit, and its target if it has one.

    A figure with a ``ratio`` is computed from two others; each other figure is measured in every round.
    """

    key: str
    title: str
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    ratio: Ratio | None = None

    def met(self, value: float) -> bool | None:
        """Whether the value meets the target; None without a target."""
        if self.at_least is None and self.at_most is None:
            return None
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True, slots=True)
class Size:
    """The size of the load, and the number of rounds.

    ``customers`` is that of the population that is searched, which is kept in the folder ``kept`` for the next run.
    """

    events: int
    contacts: int
    rounds: int
    customers: int = 1_000_000
    kept: Path | None = None


class Benchmark(Protocol):
    """Measures some figures. A round measures compared figures in turn, so that noise affects all of them."""

    figures: Sequence[Figure]

    async def prepare(self, bed: "Bed", size: Size) -> None:
        """Prepare what is not measured. Called once."""

    async def measure(self, bed: "Bed", number: int) -> Round:
        """Measure one round, counted from 0. Raises BenchmarkFailed if the work was wrong."""

    def facts(self) -> Mapping[str, object]:
        """Return what else belongs into the JSON object, for example the numbers of events and contacts."""


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
        judged = ((one.key, one.met(value)) for one, value in self._valued())
        return {key: met for key, met in judged if met is not None}

    def _valued(self) -> Iterable[tuple[Figure, float]]:
        values = self.values
        return ((one, values[one.key]) for one in self.figures)
