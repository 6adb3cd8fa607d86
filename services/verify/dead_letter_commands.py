"""``onefold dead-letters``: the records that workers set aside, each once."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Final

import orjson
import typer

from services.runtime.settings import Settings
from services.runtime.terminal import fail, run, say, show, when

dead_letters = typer.Typer(help="Records that workers set aside.", no_args_is_help=True)
_MOST: Final = 50


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
        ("record", "tenant", "reason", "field", "detail", "sent", "times"),
        (
            (str(one.place), one.tenant, one.reason, one.field, one.detail, _time(one.sent_at), str(one.times))
            for one in found[-most:]
        ),
        empty="There is no dead letter.",
    )
    if len(found) > most:
        say(f"These are the latest {most} of {len(found):,}; --most shows more, --json all.")


@dead_letters.command("show")
def show_dead_letter(
    record: Annotated[str, typer.Argument(help="As the list has it: TOPIC/PARTITION/OFFSET.")],
) -> None:
    """Write the record's value to stdout, byte for byte, and the rest to stderr. It may have personal data."""
    from services.verify.dead_letters import Place, find

    topic, _, rest = record.partition("/")
    partition, _, offset = rest.partition("/")
    if not (partition.isdecimal() and offset.isdecimal()):
        fail(f"{record!r} is no record; the list has them as TOPIC/PARTITION/OFFSET")
    settings = Settings()
    found = run(lambda: find(settings, Place(topic, int(partition), int(offset))))
    if found is None:
        fail(f"there is no dead letter of {record}; see `onefold dead-letters list`")
    say(f"{found.place}: {found.reason}{f' in {found.field}' if found.field else ''}. {found.detail}")
    say(f"key: {found.key!r}; sent {found.times} times, last at {_time(found.sent_at)}")
    sys.stdout.buffer.write(found.value or b"")
    sys.stdout.buffer.flush()


def _time(ms: int) -> str:
    return when(datetime.fromtimestamp(ms / 1000, UTC))
