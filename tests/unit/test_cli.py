"""The `onefold` command as people see it in a terminal of 80 columns."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from services.cli import app


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def test_no_help_cuts_the_choices_of_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    monkeypatch.setenv("COLUMNS", "80")
    all_commands = list(commands(typer.main.get_command(app)))
    assert len(all_commands) > 30
    for words in all_commands:
        shown = CliRunner().invoke(app, [*words, "--help"]).output
        assert "Usage" in shown
        assert not re.findall(r"<[\w-]+\|[^>\n]*$", shown, re.MULTILINE), words
