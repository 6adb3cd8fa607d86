"""What a rebuild shows: its progress, and the result of the comparison."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol

import orjson
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from services.rebuild.core.comparing import ComparedPlace, DifferingRow, GenerationComparison
from services.rebuild.core.progress import RebuildPositions, TopicPart, gives_way, in_words, reached
from services.runtime.speed import Speed
from services.runtime.terminal import say, show

_LINE_EVERY: Final = 5.0  # seconds
_IDS: Final = ("contact_id", "customer_id")


class Showing(Protocol):
    """Shows how far a rebuild is."""

    def update(self, positions: RebuildPositions, pace: float, besides: str = "") -> None:
        """Show these positions, the share of the time at work, and what is done besides."""

    def doing(self, what: str) -> None:
        """Show what is done now that all positions are reached. Call it again and again meanwhile."""


@contextmanager
def progress_of(generation: str, console: Console) -> Iterator[Showing]:
    """Bars in a terminal, otherwise a line every few seconds."""
    if not console.is_terminal:
        yield _Lines(generation)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        yield _Bars(generation, bars)


class _Lines:
    """A sentence every few seconds."""

    def __init__(self, generation: str) -> None:
        self._generation = generation
        self._speed = Speed()
        self._shown = time.monotonic()
        self._complete: int | None = None
        self._doing = ""

    def update(self, positions: RebuildPositions, pace: float, besides: str = "") -> None:
        """Show these positions, unless others were shown a moment ago."""
        now, whole = time.monotonic(), reached(positions)
        self._speed.note(now, whole.done)
        just_complete = whole.done >= whole.total != self._complete
        if now - self._shown < _LINE_EVERY and not just_complete:
            return
        self._shown, self._complete = now, whole.total if whole.done >= whole.total else None
        left = in_words(self._speed.seconds_left(whole.total - whole.done))
        rate = f"{self._speed.rate:,.0f} a second, {left}" if whole.done else "its workers start"
        going = f", {rate}{gives_way(pace)}" if whole.done < whole.total else ""
        say(f"{self._generation}: {whole.done:,} of {whole.total:,} records{going}{besides and f'; {besides}'}")

    def doing(self, what: str) -> None:
        """Say what is done, at its beginning and then as often as lines come."""
        now = time.monotonic()
        if what != self._doing or now - self._shown >= _LINE_EVERY:
            self._shown, self._doing = now, what
            say(f"{self._generation}: {what}")


class _Bars:
    """A bar for each partition, and one for all."""

    def __init__(self, generation: str, bars: Progress) -> None:
        self._generation = generation
        self._bars = bars
        self._whole = bars.add_task(generation, total=None)
        self._tasks: dict[TopicPart, TaskID] = {}

    def update(self, positions: RebuildPositions, pace: float, besides: str = "") -> None:
        """Move the bars."""
        for place, one in positions.items():
            if place not in self._tasks:
                topic, number = place
                self._tasks[place] = self._bars.add_task(f"{topic} {number}", total=one.total)
            self._bars.update(self._tasks[place], completed=one.done, total=one.total)
        whole = reached(positions)
        described = f"{self._generation}{gives_way(pace)}{besides and f': {besides}'}"
        self._bars.update(self._whole, completed=whole.done, total=whole.total, description=described)

    def doing(self, what: str) -> None:
        """Say so beside the bar of all."""
        self._bars.update(self._whole, description=f"{self._generation}: {what}")


class _Rate(ProgressColumn):
    """Records a second."""

    def render(self, task: Task) -> Text:
        """The rate of a bar."""
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")


def show_comparison(comparison: GenerationComparison, active: str, building: str, *, values: bool) -> None:
    """Print the table of read models, why some may differ, and the first rows that do.

    Only with ``values`` are the rows printed in both versions: they are personal data.
    """
    show(
        ("read model", "tenant", f"rows in {active}", f"rows in {building}", "same"),
        map(_cells, comparison.places),
        empty="There are no rows to compare.",
    )
    for reason, names in _by_reason(comparison.changed).items():
        say(f"Made by other code, {reason}: {', '.join(names)}.")
    if comparison.differing and comparison.pending:
        say(f"{active} has not read {comparison.pending} records of evidence, so rows of identity may differ for that.")
    if comparison.left_out:
        say(
            f"Customers that were left out: {comparison.left_out:,}. Their rows differ, and {active} had still to make "
            "them of the latest changes. Compare again when its workers have less to do: onefold rebuild"
        )
    if comparison.nameless:
        say(
            f"Rows without a name that they had: {comparison.nameless:,}. They are of contacts with events that name "
            f"an erased one, which the log can't give any more: {building} does not have it."
        )
    if comparison.rows:
        say(f"The first {len(comparison.rows)} rows that differ:")
        for row in comparison.rows:
            _show_row(row, active, building, values=values)


def _cells(one: ComparedPlace) -> tuple[str, ...]:
    apart = one.left_out + one.nameless
    same = "NO" if not one.same else f"yes, without {apart:,}" if apart else "yes"
    return (*one.place, f"{one.rows_here:,}", f"{one.rows_there:,}", same)


def _by_reason(changed: Mapping[str, str]) -> dict[str, list[str]]:
    """The read models of each reason."""
    found: dict[str, list[str]] = {}
    for name, reason in changed.items():
        found.setdefault(reason, []).append(name)
    return found


def _show_row(row: DifferingRow, active: str, building: str, *, values: bool) -> None:
    known = row.here or row.there or {}
    ids = [f"{name} {known[name]}" for name in _IDS if name in known]
    what = f"differs in {', '.join(row.columns)}" if row.columns else f"only in {building if row.there else active}"
    say(f"  {', '.join((row.place.read_model, f'tenant {row.place.tenant}', *ids))}: {what}")
    for generation, version in ((active, row.here), (building, row.there)) if values else ():
        if version is not None:
            say(f"    {generation}: {orjson.dumps(dict(version), default=str).decode()}")
