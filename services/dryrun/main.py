"""``onefold resolve`` from file to report: reads the events, resolves each tenant, prints the result."""

import gc
import sys
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from projections.engine.ids import personal_id
from projections.identity.dry_run import DryRun
from projections.identity.resolution.policy import InvalidPolicy, Policy
from services.dryrun.event_file import BadLine, read_events
from services.dryrun.report import TenantResolution, json_pieces, printable, show, show_next_steps
from services.runtime.secrets import tenant_id_key
from services.runtime.settings import Settings

STDIN: Final = Path("-")
_BAD_LINES_SHOWN: Final = 20
_PROGRESS_EVERY: Final = 5000  # lines


class Unusable(Exception):
    """The input can't be resolved; the message says why."""


def run(events: Path, policy: Path | None, tenant: str, *, as_json: bool) -> None:
    """Resolve the file of events and print the result. Raises Unusable."""
    messages = Console(stderr=True)
    settings = Settings()
    given = _policy(policy, settings.default_region)
    gc.disable()  # looking for cycles, of which there are none worth finding, takes a third of the time
    try:
        with _opened(events) as stream:
            runs, bad_lines = _read(_with_progress(stream, events, messages), tenant, messages)
        if bad_lines and not runs:
            raise Unusable("No line of the file is an event, so there is nothing to resolve.")
        _write(_resolved(runs, given, settings, messages), as_json=as_json)
    finally:
        gc.enable()


def _policy(path: Path | None, region: str) -> Policy | None:
    if path is None:
        return None
    try:
        return Policy.from_json(orjson.loads(path.read_bytes().removeprefix(BOM_UTF8)), region)
    except (InvalidPolicy, orjson.JSONDecodeError) as error:
        raise Unusable(f"{path} is not a policy: {error}") from None
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}") from None


def _opened(path: Path) -> AbstractContextManager[BinaryIO]:
    if path == STDIN:
        return nullcontext(sys.stdin.buffer)
    try:
        return path.open("rb")
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}") from None


def _with_progress(stream: BinaryIO, path: Path, messages: Console) -> Iterator[bytes]:
    """The lines, with a progress bar on a terminal."""
    if not messages.is_terminal:
        yield from stream
        return

    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages, transient=True) as progress:
        task = progress.add_task("", total=None if path == STDIN else path.stat().st_size)
        done = 0
        for number, line in enumerate(stream):
            done += len(line)
            if number % _PROGRESS_EVERY == 0:
                progress.update(task, completed=done)
            yield line


def _read(lines: Iterable[bytes], tenant: str, messages: Console) -> tuple[dict[str, DryRun], int]:
    """Each tenant's events, and the number of bad lines. The first of these are printed; the others are counted."""
    runs: dict[str, DryRun] = {}
    bad: Counter[str] = Counter()
    for one in read_events(lines, tenant):
        if isinstance(one, BadLine):
            bad[one.reason] += 1
            if bad.total() <= _BAD_LINES_SHOWN:
                _say(messages, str(one))
        else:
            runs.setdefault(one.tenant, DryRun()).add(one)
    if bad:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(bad.items()))
        _say(messages, f"Skipped {bad.total():,} lines that are not events ({reasons}).")
    return runs, bad.total()


def _resolved(
    runs: dict[str, DryRun], given: Policy | None, settings: Settings, messages: Console
) -> list[TenantResolution]:
    """The resolution of each tenant, by name."""
    secret = settings.secret_key
    if secret is None:
        _say(messages, "ONEFOLD_SECRET_KEY is not set: these ids match only those of other runs without it.")
    master = secret.get_secret_value() if secret else ""

    def text_id(id_key: bytes, contact_key: str) -> str:
        return str(personal_id(id_key, contact_key))

    def resolved(tenant: str) -> TenantResolution:
        id_key = tenant_id_key(master, tenant)
        policy = given or _own_policy(tenant, runs[tenant], settings.default_region, messages)
        return TenantResolution(
            tenant, runs[tenant].resolution(policy, partial(personal_id, id_key)), partial(text_id, id_key)
        )

    return [resolved(tenant) for tenant in sorted(runs)]


def _own_policy(tenant: str, dry_run: DryRun, region: str, messages: Console) -> Policy:
    for why in dry_run.invalid_policies:
        _say(messages, f"Ignored a policy of {tenant} that is not valid: {why}")
    return Policy.from_log(dry_run.policy_set, region)


def _write(found: list[TenantResolution], *, as_json: bool) -> None:
    if as_json:
        for piece in json_pieces(found):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    console = Console()
    for one in found:
        show(console, one)
    show_next_steps(console, empty=not found)


def _say(console: Console, sentence: str) -> None:
    """Print one line, without markup or control characters of quoted text."""
    console.print(escape(printable(sentence)), highlight=False, soft_wrap=True)
