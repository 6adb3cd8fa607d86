"""Prints a verdict on a terminal."""

from typing import Final

from rich.console import Console
from rich.table import Table as Grid

from projections.customers.tables import TABLES
from services.verify.verdict import TopicAccount, VerifyResult

_COMPOSED: Final = {one.name for one in TABLES}


def show(console: Console, verdict: VerifyResult) -> None:
    """Print the verdict."""
    title = (
        f"{verdict.records:,} records of the log, {verdict.dead_letters:,} of them dead letters; "
        f"{verdict.evidence.records:,} of the evidence topic"
    )
    grid = Grid(title=title)
    for name in ("table", "rows from the log", "rows in the table", "first difference"):
        grid.add_column(name, justify="right" if name.startswith("rows") else "left")
    for one in verdict.tables:
        grid.add_row(one.table, f"{one.expected:,}", f"{one.found:,}", one.difference or "none")
    console.print(grid)
    _show_account(console, "the log", verdict.log)
    _show_account(console, "the evidence topic", verdict.evidence)
    if any(one.table in _COMPOSED and one.difference for one in verdict.tables):
        console.print(
            "Customer rows are composed of contacts and identity. This makes all anew: onefold rebuild --swap"
        )
    if named := sum(one.named for one in verdict.tables):
        console.print(
            f"{named:,} rows are of contacts that name somebody who was erased. The log can't give them any more."
        )
    console.print("The tables are what the log gives." if verdict.holds else "The tables are NOT what the log gives.")


def _show_account(console: Console, of_what: str, account: TopicAccount) -> None:
    if not account.balanced:
        console.print(
            f"{of_what.capitalize()} has {account.records:,} records, {account.dead_letters:,} of them dead letters; "
            f"the counters beside the offsets say {account.counted.records:,} and {account.counted.dead_letters:,}."
        )
