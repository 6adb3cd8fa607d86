"""Shows imports on a terminal: what columns were taken for, what would change, and what did."""

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.text import Text

from services.control.import_models import ImportNote, ImportResult, QuotaForecast
from services.query.showing import printable
from services.runtime.terminal import show_on

_MOST_NOTES: Final = 10


def show_import_plan(console: Console, plan: ImportResult) -> None:
    """What a dry run found: nothing has changed yet."""
    columns = (
        (printable(one.title), printable(one.field), "guessed" if one.guessed else "given") for one in plan.columns
    )
    show_on(console, ("column", "is taken for", ""), columns)
    _show_counts(console, plan, ("rows would be", ""))
    if (membership := plan.membership) is not None:
        console.print(
            Text(
                f"The first {membership.rows:,} rows that can be read would cause {membership.merges:,} merges and "
                f"{membership.splits:,} splits of customers."
            ),
            soft_wrap=True,
        )
    if (quota := plan.quota) is not None:
        console.print(Text(_quota_after(quota)), soft_wrap=True)
    _show_notes(console, "Refused", plan.refused, plan.counts.refused)
    _show_notes(console, "Warnings", plan.warnings, len(plan.warnings) + plan.warnings_left_off)


def _quota_after(quota: QuotaForecast) -> str:
    after = f"{quota.least_after:,}"
    if quota.most_after != quota.least_after:
        after += f" to {quota.most_after:,}"
    limit = "no limit is set" if quota.limit is None else f"the limit is {quota.limit:,}"
    return f"Of the quota {quota.used:,} {quota.unit} are used, and {after} after it; {limit}."


def show_import_result(console: Console, result: ImportResult) -> None:
    """What a run did, and where that is not what its dry run said."""
    _show_counts(console, result, ("rows are", ""))
    if result.differs:
        changes = ", ".join(f"{name} {by:+,}" for name, by in result.differs.items())
        console.print(Text(f"Since the dry run customers have changed; so other counts came out: {changes}."))


def _show_counts(console: Console, result: ImportResult, titles: tuple[str, str]) -> None:
    counts = result.counts.model_dump()
    rows = [(name, f"{count:,}") for name, count in counts.items()]
    console.print()
    show_on(console, titles, [*rows, ("in all", f"{sum(counts.values()):,}")])


def _show_notes(console: Console, title: str, notes: Iterable[ImportNote], count: int) -> None:
    listed = [(f"{one.line:,}", one.reason, printable(one.detail)) for one in notes][:_MOST_NOTES]
    if not listed:
        return
    console.print()
    console.print(Text(f"{title}: {count:,}, of which these are the first" if count > len(listed) else title, "bold"))
    show_on(console, ("line", "reason", "what is wrong"), listed)
