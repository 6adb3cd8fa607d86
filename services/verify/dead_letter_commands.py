"""``onefold dead-letters``: the records that workers set aside, each once."""

import sys
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import orjson
import typer

from services.runtime.settings import Settings
from services.runtime.terminal import TenantOption, fail, run, say, setting, show, when

if TYPE_CHECKING:  # slow to import
    from collections.abc import Sequence

    from services.verify.dead_letters import LetterFilter, RecordPlace, RefusedRecord

dead_letters = typer.Typer(help="Records that workers set aside.", no_args_is_help=True)
_MOST: Final = 50
ReasonOption = Annotated[str | None, typer.Option(help="Only those with this reason.")]
TopicOption = Annotated[str | None, typer.Option(help="Only records of this topic, by its whole name.")]
TimeOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="By when it was set aside, such as 2026-03-01T00:00+08:00.")
]
RecordArgument = Annotated[str, typer.Argument(help="As the list has it: TOPIC/PARTITION/OFFSET.")]


@dead_letters.command("list")
def list_dead_letters(  # noqa: PLR0913 - one an option
    *,
    reason: ReasonOption = None,
    topic: TopicOption = None,
    tenant: TenantOption = None,
    since: TimeOption = None,
    until: TimeOption = None,
    count: Annotated[bool, typer.Option("--count", help="Only how many there are, by topic, tenant, reason.")] = False,
    most: Annotated[int, typer.Option("--most", min=1, help="At most so many, the latest.")] = _MOST,
    as_json: Annotated[bool, typer.Option("--json", help="All of them, one JSON object a line.")] = False,
) -> None:
    """List each record once, the latest last, with the reason. No value of the record is shown."""
    from services.verify.dead_letters import each_once

    settings, choice = Settings(), _choice(reason, topic, tenant, since, until)
    found = run(lambda: each_once(settings, choice))
    if count:
        _show_counts(found, as_json=as_json)
        return
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
    """Write the record's value to stdout, opened if it is sealed, and the rest to stderr. It may have personal data."""
    from services.verify.dead_letters import find, opened_value

    settings, place = Settings(), _place(record)
    found = run(lambda: find(settings, place))
    if found is None:
        fail(f"there is no dead letter of {record}; see `onefold dead-letters list`")
    say(f"{found.place}: {found.reason}{f' in {found.field}' if found.field else ''}. {found.detail}")
    say(f"key: {found.key!r}; sent {found.times} times, last at {_time(found.sent_at)}")
    if found.sent_again_as:
        say(f"It was sent again, as {found.sent_again_as}.")
    value = run(lambda: opened_value(settings, found))
    if value is None and found.value:
        say("The key of its contact was destroyed: it can't be read any more.")
    sys.stdout.buffer.write(value or b"")
    sys.stdout.buffer.flush()


@dead_letters.command("retry")
def retry_dead_letters(  # noqa: PLR0913 - one an option
    record: Annotated[
        str | None, typer.Argument(help="One record, as the list has it: TOPIC/PARTITION/OFFSET.")
    ] = None,
    *,
    reason: ReasonOption = None,
    topic: TopicOption = None,
    tenant: TenantOption = None,
    since: TimeOption = None,
    until: TimeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line for each record.")] = False,
) -> None:
    """Send refused records to their topics again, byte for byte; status 1 if one of them would be refused again.

    Use it with a version of Onefold that takes them. A record that this version would refuse too is not sent, nor is
    one that was sent again before, so that the command can be repeated.
    """
    from services.runtime.publishing import NotPublished
    from services.verify.retry import Retry

    choice = _choice(reason, topic, tenant, since, until)
    if (record is None) != bool(choice):
        fail("name one record, or say which by --reason, --topic, --tenant, --since or --until")
    settings = Settings()
    place = _place(record) if record is not None else None
    retry = Retry(settings, setting(lambda: settings.master_key), dry_run=dry_run)
    try:
        done = run(lambda: retry.run(place, choice))
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


def _choice(
    reason: str | None, topic: str | None, tenant: str | None, since: str | None, until: str | None
) -> "LetterFilter":
    from projections.engine.times import NoTime, read_time
    from services.verify.dead_letters import LetterFilter

    try:
        times = (None if text is None else read_time(text) for text in (since, until))
        return LetterFilter(reason, topic, tenant, *times)
    except NoTime as error:
        fail(str(error))


def _show_counts(found: "Sequence[RefusedRecord]", *, as_json: bool) -> None:
    """How many dead letters there are, and how many of them were sent again."""
    titles = ("topic", "tenant", "reason", "dead letters", "sent again")
    counts = Counter((one.place.topic, one.tenant, one.reason) for one in found)
    again = Counter((one.place.topic, one.tenant, one.reason) for one in found if one.sent_again_as)
    rows = [(*place, number, again[place]) for place, number in sorted(counts.items())]
    if as_json:
        for row in rows:
            named = {title.replace(" ", "_"): value for title, value in zip(titles, row, strict=True)}
            sys.stdout.write(orjson.dumps(named).decode() + "\n")
    else:
        show(titles, (map(str, row) for row in rows), empty="There is no such dead letter.")


def _place(record: str) -> "RecordPlace":
    from services.verify.dead_letters import RecordPlace

    try:
        return RecordPlace.parse(record)
    except ValueError:
        fail(f"{record!r} is no record; the list has them as TOPIC/PARTITION/OFFSET")


def _time(ms: int) -> str:
    return when(datetime.fromtimestamp(ms / 1000, UTC))
