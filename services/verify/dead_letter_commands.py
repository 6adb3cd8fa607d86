"""``onefold dead-letters``: the records that workers set aside, each once."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import orjson
import typer

from services.runtime.settings import Settings
from services.runtime.terminal import fail, run, say, setting, show, when

if TYPE_CHECKING:  # slow to import
    from services.verify.dead_letters import RecordPlace

dead_letters = typer.Typer(help="Records that workers set aside.", no_args_is_help=True)
_MOST: Final = 50
RecordArgument = Annotated[str, typer.Argument(help="As the list has it: TOPIC/PARTITION/OFFSET.")]


@dead_letters.command("list")
def list_dead_letters(
    *,
    reason: Annotated[str | None, typer.Option(help="Only those with this reason.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="At most so many, the latest.")] = _MOST,
    as_json: Annotated[bool, typer.Option("--json", help="All of them, one JSON object a line.")] = False,
) -> None:
    """List each record once, the latest last, with the reason. No value of the record is shown."""
    from services.verify.dead_letters import each_once

    settings = Settings()
    found = run(lambda: each_once(settings, reason=reason))
    if as_json:
        for one in found:
            sys.stdout.write(orjson.dumps(one.as_dict()).decode() + "\n")
        return
    show(
        ("record", "tenant", "reason", "field", "detail", "sent", "times", "sent again as"),
        (
            (
                str(one.place),
                one.tenant,
                one.reason,
                one.field,
                one.detail,
                _time(one.sent_at),
                str(one.times),
                str(one.sent_again_as or ""),
            )
            for one in found[-most:]
        ),
        empty="There is no dead letter.",
    )
    if len(found) > most:
        say(f"These are the latest {most} of {len(found):,}; --most shows more, --json all.")


@dead_letters.command("show")
def show_dead_letter(
    record: RecordArgument,
) -> None:
    """Write the record's value to stdout, byte for byte, and the rest to stderr. It may have personal data."""
    from services.verify.dead_letters import find

    settings, place = Settings(), _place(record)
    found = run(lambda: find(settings, place))
    if found is None:
        fail(f"there is no dead letter of {record}; see `onefold dead-letters list`")
    say(f"{found.place}: {found.reason}{f' in {found.field}' if found.field else ''}. {found.detail}")
    say(f"key: {found.key!r}; sent {found.times} times, last at {_time(found.sent_at)}")
    if found.sent_again_as:
        say(f"It was sent again, as {found.sent_again_as}.")
    sys.stdout.buffer.write(found.value or b"")
    sys.stdout.buffer.flush()


@dead_letters.command("retry")
def retry_dead_letters(
    record: Annotated[
        str | None, typer.Argument(help="One record, as the list has it: TOPIC/PARTITION/OFFSET.")
    ] = None,
    *,
    reason: Annotated[str | None, typer.Option(help="All records with this reason.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line for each record.")] = False,
) -> None:
    """Send refused records to their topics again, byte for byte; status 1 if one of them would be refused again.

    Use it with a version of Onefold that takes them. A record that this version would refuse too is not sent, nor is
    one that was sent again before, so that the command can be repeated.
    """
    from services.runtime.publishing import NotPublished
    from services.verify.retry import Retry

    if (record is None) == (reason is None):
        fail("name one record, or a --reason")
    settings = Settings()
    place = _place(record) if record is not None else None
    retry = Retry(settings, setting(lambda: settings.master_key), dry_run=dry_run)
    try:
        done = run(lambda: retry.run(place, reason))
    except NotPublished as error:
        fail(f"Kafka did not take a record: {error}. Repeat the command: what was sent is not sent again")
    if as_json:
        for one in done:
            sys.stdout.write(orjson.dumps(one.as_dict()).decode() + "\n")
    else:
        show(
            ("record", "outcome", "detail"),
            ((str(one.place), one.outcome.replace("_", " "), one.detail) for one in done),
            empty="There is no such dead letter; see `onefold dead-letters list`.",
        )
    if not done or any(one.outcome == "refused_again" for one in done):
        raise typer.Exit(1)


def _place(record: str) -> "RecordPlace":
    from services.verify.dead_letters import RecordPlace

    try:
        return RecordPlace.parse(record)
    except ValueError:
        fail(f"{record!r} is no record; the list has them as TOPIC/PARTITION/OFFSET")


def _time(ms: int) -> str:
    return when(datetime.fromtimestamp(ms / 1000, UTC))
