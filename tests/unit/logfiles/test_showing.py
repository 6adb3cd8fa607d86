"""What an export or import shows of its progress."""

import io

from rich.console import Console

from services.logfiles.showing import counting


def test_a_terminal_shows_a_bar_with_the_number_of_records() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=160, _environ={})
    with counting("exported", console) as counter:
        counter.records(1200, 3000)
        counter.records(800, 3000)
    assert "exported 2,000 of 3,000 records, " in console.file.getvalue()  # type: ignore[attr-defined] # given above


def test_elsewhere_no_bar_is_shown() -> None:
    console = Console(file=io.StringIO())
    with counting("imported", console) as counter:
        counter.records(1, 1)
    assert console.file.getvalue() == ""  # type: ignore[attr-defined] # given above
