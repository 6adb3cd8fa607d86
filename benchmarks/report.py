"""The output: a table with bars for people, one flat JSON object for programs."""

from collections.abc import Mapping, Sequence

from rich.bar import Bar
from rich.console import Console
from rich.table import Table as Grid

from benchmarks.figures import BenchmarkResult, Figure, Round

_BAR = 20


def as_json(outcomes: Sequence[BenchmarkResult], machine: Mapping[str, object]) -> dict[str, object]:
    """Return each figure by its key, the values of all rounds, the targets and whether they were met, the machine."""
    flat: dict[str, object] = {}
    rounds: dict[str, list[float]] = {}
    targets: dict[str, object] = {}
    for outcome in outcomes:
        flat |= {key: _rounded(value) for key, value in outcome.values.items()} | dict(outcome.facts)
        rounds |= {one.key: [_rounded(value) for value in outcome.series(one)] for one in outcome.figures}
        targets |= _targets(outcome)
    return flat | {"rounds": rounds, "targets": targets, "machine": dict(machine)}


def _targets(outcome: BenchmarkResult) -> dict[str, object]:
    bounds = {one.key: {"at_least": one.at_least, "at_most": one.at_most} for one in outcome.figures}
    return {
        key: {name: bound for name, bound in bounds[key].items() if bound is not None} | {"met": met}
        for key, met in outcome.verdicts.items()
    }


def show(console: Console, outcomes: Sequence[BenchmarkResult], machine: Mapping[str, object]) -> None:
    """Print the figures with a bar and the target of each, and the machine. Facts of many parts are for JSON alone."""
    for outcome in outcomes:
        console.print(_grid(outcome))
        short = {name: value for name, value in outcome.facts.items() if not isinstance(value, Mapping)}
        console.print(", ".join(f"{name.replace('_', ' ')} {_fact(value)}" for name, value in short.items()))
    console.print("Machine: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items()))


def show_round(console: Console, figures: Sequence[Figure], found: Round, number: int, of: int) -> None:
    """Print one line after each round."""
    measured = (f"{one.title} {_number(found[one.key])} {one.unit}" for one in figures if one.key in found)
    console.print(f"Round {number} of {of}: {'; '.join(measured)}", highlight=False)


def _grid(outcome: BenchmarkResult) -> Grid:
    grid = Grid(title=f"Medians of {len(outcome.rounds)} rounds")
    for title in ("figure", "", "value", "rounds", "target"):
        grid.add_column(title, justify="right" if title in ("value", "rounds") else "left")
    values, verdicts = outcome.values, outcome.verdicts
    longest = _longest(outcome)
    for one in outcome.figures:
        value = values[one.key]
        bar = Bar(longest[one.unit], 0, value, width=_BAR)
        spread = " · ".join(_number(each) for each in outcome.series(one))
        grid.add_row(f"{one.title}, {one.unit}", bar, _number(value), spread, _target(one, met=verdicts.get(one.key)))
    return grid


def _longest(outcome: BenchmarkResult) -> dict[str, float]:
    """Return the greatest value of each unit, so that bars of one unit are comparable."""
    longest: dict[str, float] = {}
    for one in outcome.figures:
        longest[one.unit] = max(longest.get(one.unit, 0.0), outcome.values[one.key])
    return longest


def _target(figure: Figure, *, met: bool | None) -> str:
    if met is None:
        return ""
    bound = f"≥ {_number(figure.at_least)}" if figure.at_least is not None else f"≤ {_number(figure.at_most or 0)}"
    return f"{bound}  " + ("[green]met[/]" if met else "[bold red]not met[/]")


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:,.2f}" if value > 1 else f"{value:.3f}"


def _fact(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _rounded(value: float) -> float:
    return round(value, 1) if value >= 100 else round(value, 3)
