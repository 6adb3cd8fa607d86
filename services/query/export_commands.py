"""The command `export`: the rows of a filter are counted, a worker makes the file, and it is saved here.

What it runs is imported when it runs: it is slow to import.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

import typer

from services.query.asking import KeyOption, Url, ask_service, filter_of

if TYPE_CHECKING:
    from services.query.core.job_models import JobView
    from services.query.read_client import ReadClient

FormatOption = Literal["csv", "xlsx"]
_SCOPES: Final = "customers:export --scope customers:read"
_EVERYBODY: Final = {"contacts": {"gte": 1}}


def export(  # noqa: PLR0913 - one an option
    file: Annotated[Path, typer.Argument(help="Where the file goes; .xlsx makes it a workbook.")],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORDS]", help="A part of a name, a member id, phone or e-mail.")
    ] = None,
    *,
    filter_: Annotated[
        str | None, typer.Option("--filter", metavar="JSON|FILE", help="A filter (docs/search.md), or its file.")
    ] = None,
    segment: Annotated[str | None, typer.Option(help="A saved filter.")] = None,
    everybody: Annotated[bool, typer.Option("--everybody", help="All customers.")] = False,
    rows: Annotated[
        Literal["customers", "contacts"], typer.Option(help="One row a customer, or one for each of its contacts.")
    ] = "customers",
    channel: Annotated[
        list[str] | None, typer.Option(metavar="CHANNEL", help="Only contacts on it, such as line; may be repeated.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="A column (docs/export.md); may be repeated.")
    ] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="A custom attribute as a column; may be repeated.")
    ] = None,
    attributes: Annotated[bool, typer.Option("--attributes", help="All custom attributes as columns.")] = False,
    format_: Annotated[FormatOption | None, typer.Option("--format", help="Else by the file's name.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="Begin CSV with a byte order mark, for Excel.")] = False,
    header: Annotated[
        Literal["en", "zh-Hant", "names"], typer.Option(help="The language of the columns' titles.")
    ] = "names",
    zone: Annotated[str | None, typer.Option(metavar="ZONE", help="Of times, such as Asia/Taipei; else UTC.")] = None,
    count: Annotated[bool, typer.Option("--count", help="Only show how many rows there are.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    job: Annotated[UUID | None, typer.Option(metavar="JOB", help="Go on with an export that was begun.")] = None,
    url: Url = None,
    key: KeyOption = None,
) -> None:
    """Export customers or contacts to a file: count them, ask, wait for the file, and save it.

    A download that broke off goes on where it was, if the same is asked for with --job.
    """
    if file.exists():
        raise typer.BadParameter(f"{file} is there already; choose another name, or delete it.")
    order = {} if job else {
        "filter": _filter(" ".join(words or ()), filter_, segment, everybody=everybody),
        "rows": rows,
        "attributes": "all" if attributes else attribute or [],
        "format": format_ or ("xlsx" if file.suffix.lower() == ".xlsx" else "csv"),
        "bom": bom,
        "header": header,
    }  # fmt: skip
    order |= {name: value for name, value in (("channels", channel), ("columns", column), ("zone", zone)) if value}

    def ask(client: "ReadClient") -> None:
        from services.query.showing import say_if_late

        if job:
            begun = client.job(job)
        else:
            preview = client.preview_export(order)
            counted = preview.rows
            typer.echo(f"{counted:,} rows", err=not count)
            say_if_late(preview.as_of)
            if count:
                return
            if not yes:
                typer.confirm(f"Export {counted:,} rows?", abort=True, err=True)
            begun = client.start_export(order).job
        _save(client, _made(client, begun), file)

    ask_service(url, key, ask, _SCOPES)


def _filter(words: str, given: str | None, segment: str | None, *, everybody: bool) -> Any:
    parts: list[Any] = [{"segment": segment}] if segment else []
    if words or given or not (parts or everybody):
        parts.append(filter_of(words, given))
    return parts[0] if len(parts) == 1 else {"all": parts} if parts else _EVERYBODY


def _made(client: "ReadClient", job: "JobView") -> "JobView":
    """The job once it has ended; one that failed ends the command with the reason."""
    from services.query.job_waiting import require_done, until_ended
    from services.runtime.terminal import say

    say(f"Job {job.id} makes the file. It goes on if this command is stopped: then give --job {job.id}.")
    job = until_ended(client, job)
    require_done(job)
    return job


def _save(client: "ReadClient", job: "JobView", file: Path) -> None:
    from services.query.downloading import Broken, download
    from services.runtime.terminal import fail, say

    try:
        download(client, job, file)
    except Broken as error:
        fail(f"{error} onefold export {file} --job {job.id}")
    except OSError as error:
        fail(f"{file} can't be written: {error.strerror}")
    say(f"{job.progress.done:,} rows are in {file}.")
