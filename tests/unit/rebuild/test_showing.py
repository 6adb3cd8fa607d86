"""What a rebuild shows of its progress."""

import io
from collections.abc import Mapping

import pytest
from rich.console import Console

from services.rebuild.core.comparing import ComparedPlace, GenerationComparison, TenantRows
from services.rebuild.core.progress import Reached, TopicPart
from services.rebuild.showing import progress_of, show_comparison

POSITIONS: Mapping[TopicPart, Reached] = {("log", 0): Reached(1, 2), ("log", 1): Reached(2, 2)}
DONE: Mapping[TopicPart, Reached] = {("log", 0): Reached(2, 2), ("log", 1): Reached(2, 2)}


def test_a_terminal_shows_a_bar_for_each_partition_and_the_pace() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=160, _environ={})
    with progress_of("g2", console) as showing:
        showing.update(POSITIONS, 0.1)
    shown = console.file.getvalue()  # type: ignore[attr-defined] # the file given above
    for part in ("g2 (gives way to the service, pace 10%)", "3/4", "log 0", "1/2", "log 1", "2/2"):
        assert part in shown


def test_elsewhere_lines_say_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of("g2", Console(file=io.StringIO())) as showing:
        showing.update(POSITIONS, 1.0)
        showing.update(DONE, 1.0, "making indexes")
        showing.update(DONE, 1.0, "making indexes")
        showing.doing("making customer rows")
        showing.doing("making customer rows")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["g2: 4 of 4 records; making indexes", "g2: making customer rows"]


def test_a_terminal_shows_what_is_done_once_all_is_folded() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=160, _environ={})
    with progress_of("g2", console) as showing:
        showing.update(DONE, 1.0)
        showing.doing("making customer rows")
    assert "g2: making customer rows" in console.file.getvalue()  # type: ignore[attr-defined] # the file given above


def test_customers_that_were_left_out_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    place = ComparedPlace(TenantRows("customer_rows", "demo"), 5, 5, same=True, left_out=1200)
    show_comparison(GenerationComparison([place]), "g1", "g2", values=False)
    shown = capsys.readouterr()
    assert "Customers that were left out: 1,200." in shown.err
    assert "yes, without 1,200" in shown.out
    show_comparison(GenerationComparison([place._replace(left_out=0)]), "g1", "g2", values=False)
    assert "left out" not in capsys.readouterr().err
