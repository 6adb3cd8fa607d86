"""The command `import`: a file of customers or contacts is sent, its dry run is shown, and then it is imported.

What it runs is imported when it runs: it is slow to import.
"""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

import typer

from services.query.asking import AsJson, KeyOption, Url, ask_service

if TYPE_CHECKING:
    from services.control.import_models import ImportRun, ImportView
    from services.query.read_client import ReadClient

KindOption = Literal["customers", "contacts"]
EncodingOption = Literal["utf-8", "utf-16", "cp950", "big5hkscs", "gbk", "shift_jis"]
TagsOption = Literal["add", "replace"]
_SOME_REFUSED: Final = 3
_LOOK_EVERY: Final = 0.5  # seconds
_SCOPES: Final = "customers:write --scope customers:read --scope customers:export"
_LONGEST_NAME: Final = 200
_WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def import_(  # noqa: PLR0913 - one an option
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file, or a workbook (.xlsx).")
    ],
    *,
    kind: Annotated[
        KindOption | None, typer.Option(help="What a row is; contacts where a --channel is given, else customers.")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="Whose contacts they are, such as line.")] = None,
    account: Annotated[str | None, typer.Option(help="The channel's account.")] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=FIELD", help="What a column means (docs/import.md); may be repeated."),
    ] = None,
    encoding: Annotated[
        EncodingOption | None,
        typer.Option(
            metavar="NAME",
            help=f"Of a CSV file: {', '.join(get_args(EncodingOption))}. Else UTF-8, or else cp950.",
        ),
    ] = None,
    tags: Annotated[TagsOption, typer.Option(help="`replace` also takes off what a row does not have.")] = "add",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it would do.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Import customers or contacts from a file: show what it would do, ask, do it; status 3 if rows were refused.

    The refused rows are saved beside the file, as FILE.refused.csv, with the reasons.
    """
    import orjson

    kind = kind or ("contacts" if channel else "customers")
    fields = _fields(mapping or [])
    given = {"channel": channel, "account": account, "tags": tags, "encoding": encoding}
    order = {"kind": kind} | {name: value for name, value in given.items() if value is not None}
    parameters = order | {"mapping": orjson.dumps(fields).decode(), "name": file.name[:_LONGEST_NAME]}

    def ask(client: "ReadClient") -> None:
        found = _imported(client, file, parameters, dry_run=dry_run, yes=yes, as_json=as_json)
        if as_json:
            typer.echo(found.model_dump_json(exclude_none=True))
        result = found.runs[0].result
        if result is not None and result.counts.refused:
            _save_refused(client, found.runs[0], file, _again(order, mapping or []))
            raise typer.Exit(_SOME_REFUSED)

    ask_service(url, key, ask, _SCOPES)


def _imported(  # noqa: PLR0913 - what was asked for
    client: "ReadClient", file: Path, parameters: dict[str, Any], *, dry_run: bool, yes: bool, as_json: bool
) -> "ImportView":
    """The import as it is in the end: only planned, or run."""
    from rich.console import Console

    from services.query.import_showing import show_import_plan, show_import_result
    from services.runtime.terminal import say

    console = Console(stderr=as_json)
    planned = _ended(client, _upload(client, file, parameters))
    plan = planned.runs[0].result
    if plan is None:
        return planned
    show_import_plan(console, plan)
    changed = plan.counts.created + plan.counts.updated
    if not changed:
        say("There is nothing to import.")
    if dry_run or not changed:
        return planned
    if not yes:
        typer.confirm(f"Import {changed:,} rows?", abort=True, err=True)
    begun = client.run_import(planned.id)
    say(f"Job {begun.runs[0].job} was started. It goes on if this command is stopped.")
    done = _ended(client, begun)
    if (result := done.runs[0].result) is not None:
        show_import_result(console, result)
    return done


def _upload(client: "ReadClient", file: Path, parameters: dict[str, Any]) -> "ImportView":
    from services.runtime.terminal import progress_bar

    with file.open("rb") as opened, progress_bar() as bar:
        content = bar.wrap_file(opened, total=file.stat().st_size, description="sending")
        media_type = _WORKBOOK if file.suffix.lower() == ".xlsx" else "text/csv"
        return client.start_import(parameters, content, file.stat().st_size, media_type)


def _ended(client: "ReadClient", found: "ImportView") -> "ImportView":
    """The import once its newest run has ended; one that failed ends the command with the reason."""
    from services.runtime.terminal import fail, progress_bar

    with progress_bar() as bar:
        shown = bar.add_task("dry run" if found.runs[0].dry_run else "import", total=None)
        while found.runs[0].state in {"waiting", "running"}:
            time.sleep(_LOOK_EVERY)
            found = client.import_of(found.id)
            run = found.runs[0]
            bar.update(shown, completed=run.done, total=run.total)
    run = found.runs[0]
    if run.state != "done":
        problem = run.problem or {}
        fail(". ".join(str(problem[one]) for one in ("title", "detail") if one in problem) or f"it is {run.state}")
    return found


def _save_refused(client: "ReadClient", run: "ImportRun", file: Path, again: list[str]) -> None:
    from services.query.read_client import CannotRead
    from services.runtime.terminal import say

    target = _unused(file)
    try:
        client.save_file(run.job, target)
    except (CannotRead, OSError) as error:
        say(f"The refused rows could not be saved. {error}")
        return
    command = shlex.join(["onefold", "import", str(target), *again])
    say(f"The refused rows are in {target}, with the reasons. Mend them there, and then: {command}")


def _unused(file: Path) -> Path:
    """Where refused rows go; somebody may be mending those of an earlier import."""
    target, number = file.with_name(f"{file.name}.refused.csv"), 1
    while target.exists():
        number += 1
        target = file.with_name(f"{file.name}.refused-{number}.csv")
    return target


def _again(order: dict[str, Any], mapping: list[str]) -> list[str]:
    """The options with which the refused rows, which are UTF-8, are imported."""
    kept = {name: value for name, value in order.items() if name != "encoding"}
    options = [part for name, value in kept.items() for part in (f"--{name}", str(value))]
    return [*options, *(part for one in mapping for part in ("--mapping", one))]


def _fields(mapping: list[str]) -> dict[str, str]:
    fields = {}
    for one in mapping:
        column, equals, field = one.rpartition("=")
        if not (column and equals and field):
            raise typer.BadParameter(f"{one}: write a mapping as COLUMN=FIELD.")
        fields[column] = field
    return fields
