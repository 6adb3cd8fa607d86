from pathlib import Path

import asyncpg
import pytest
import typer

from services.runtime.terminal import run, show

TITLES = ("source", "account", "webhook")
ROW = ("shop", "王小明", "https://onefold.example/webhooks/line/" + "x" * 60)


def test_columns_are_aligned_and_no_value_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    show(TITLES, [ROW, ("oa", "@a", "-")])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "source  account  webhook",
        f"shop    王小明   {ROW[2]}",
        "oa      @a       -",
    ]


def test_a_table_wider_than_the_terminal_is_printed_in_blocks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    show(TITLES, [ROW])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["source   shop", "account  王小明", f"webhook  {ROW[2]}", ""]


def test_markup_and_line_breaks_in_names_are_printed_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    show(("name", "is"), [("A [b]ME", "two\nlines")])
    assert "A [b]ME  two lines" in capsys.readouterr().out


def test_an_empty_table_says_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    show(("tenant", "name"), [], empty="Add one: onefold tenants add NAME")
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["tenant  name"]
    assert "onefold tenants add" in printed.err


def test_a_connection_that_was_broken_is_named_without_the_states_of_the_driver(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def breaks() -> None:
        raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")

    with pytest.raises(typer.Exit):
        run(breaks)
    assert capsys.readouterr().err == (
        "onefold: PostgreSQL can't be used: it ended the connection; see its log, and try again\n"
    )


def test_a_file_that_a_command_lacks_is_named_and_blamed_on_no_server(capsys: pytest.CaptureFixture[str]) -> None:
    async def reads() -> bytes:
        return Path("/nowhere/list.csv").read_bytes()  # noqa: ASYNC240 - it is not there

    with pytest.raises(typer.Exit):
        run(reads)
    assert capsys.readouterr().err == "onefold: /nowhere/list.csv: No such file or directory\n"
