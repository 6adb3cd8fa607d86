"""`onefold up`: start everything, show the addresses, run until told to stop or until a process dies."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from services.embedded.errors import EmbeddedError
from services.embedded.prepare import TENANT
from services.embedded.stack import Stack
from services.runtime.settings import Settings

_LOOK_EVERY = 0.3


class _ToldToStop(BaseException):
    """SIGTERM, SIGINT or SIGHUP arrived. Not an `Exception`, so that no handler on the way catches it."""


def up(settings: Settings, console: Console, *, fresh: bool = False, workers: int = 1) -> int:
    """Run until told to stop (returns 0) or until something fails (the error's exit status).

    ``fresh`` begins a new generation of the read models first; there are so many ``workers``.
    """
    try:
        with _signals_as_exceptions():
            _run(Stack(settings, console, fresh=fresh, workers=workers), console)
    except _ToldToStop:
        return 0
    except EmbeddedError as error:
        console.print(f"onefold up: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        return error.exit_status
    return 0


def _run(stack: Stack, console: Console) -> None:
    try:
        stack.start()
        for text in (welcome(stack), try_it(stack)):
            console.print(text, soft_wrap=True, highlight=False, markup=False)
        while True:
            stack.check()
            time.sleep(_LOOK_EVERY)
    finally:
        _no_more_signals()
        with console.status("Stopping; the data stay …"):
            stack.stop()


def welcome(stack: Stack) -> str:
    """Return the addresses and keys, a line each, to be printed without breaking a line: they are copied."""
    rows = (
        ("Web console (signs in once)", stack.sign_in_address()),
        ("HTTP", stack.url),
        ("API description", f"{stack.url}/docs"),
        *(("Worker", f"{url}/metrics") for url in stack.worker_urls),
        (f"Key of tenant {TENANT}", stack.key),
        ("Log", f"{stack.kafka}  {stack.broker_name}"),
        ("PostgreSQL", stack.database),
        ("Data and logs", str(stack.settings.data_dir.absolute())),
    )
    width = max(len(name) for name, _ in rows)
    return "\n".join(("Onefold is up", *(f"  {name:<{width}}  {value}" for name, value in rows), ""))


def try_it(stack: Stack) -> str:
    """Return what to do next: lines to copy into another terminal."""
    event = '{"type":"message.received","contact":{"channel":"web","account":"shop","uid":"visitor-1"},'
    return (
        "Try it, in another terminal:\n"
        f"  KEY={stack.key}\n"
        f"""  curl {stack.url}/v1/events -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' """
        f"""-d '{event}"occurred_at":'$(date +%s000)',"data":{{"message_id":"m1","kind":"text","text":"hello"}}}}'\n"""
        f"""  curl {stack.url}/v1/contacts/web/shop/visitor-1 -H "Authorization: Bearer $KEY"\n"""
        "Ctrl-C stops it; the data stay."
    )


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    def stop(_number: int, _frame: object) -> None:
        _no_more_signals()  # a second signal must not interrupt the orderly end
        raise _ToldToStop

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _no_more_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
