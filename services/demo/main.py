"""The demo, put together: start a stack, run, show the result, stay up; returns the exit status."""

import asyncio
import shlex
import shutil
import signal
import sys
import time
from typing import Final

from rich.console import Console

from services.demo.connections import Target, connect
from services.demo.report import Result, show
from services.demo.run import Parameters, run, server_losses
from services.embedded.errors import EmbeddedError
from services.embedded.stack import Stack
from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings

_CHECK_EVERY: Final = 1.0
_FAILED: Final = 1
_INTERRUPTED: Final = 130
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_demo(parameters: Parameters, *, leave: bool, as_json: bool, port: int | None) -> int:
    """Run the demo on a stack of its own, and stay up unless told to ``leave``; 0 only if the accounts balance."""
    settings = Settings() if port is None else Settings().model_copy(update={"port": port})
    console = Console(stderr=as_json)
    for number in _SIGNALS:
        signal.signal(number, _stop)
    result: Result | None = None
    try:
        with Stack(settings, console) as stack:
            with server_losses():
                target = connect(stack.settings, stack.url, stack.key, _command(settings))
                result = asyncio.run(_run_and_watch(stack, parameters, console, target))
            show(console, result, leave=leave)
            if as_json:
                sys.stdout.write(result.model_dump_json() + "\n")
                sys.stdout.flush()
            if not leave:
                _stay(stack, console)
    except (EmbeddedError, ForeseenError) as error:
        console.print(str(error), style="bold red", markup=False, soft_wrap=True)
        return _FAILED
    except KeyboardInterrupt:
        console.print("Stopped.")
    return _INTERRUPTED if result is None else _FAILED if result.faults else 0


def _stop(_number: int, _frame: object) -> None:
    for number in _SIGNALS:  # a second signal must not interrupt the orderly end
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


async def _run_and_watch(stack: Stack, parameters: Parameters, console: Console, target: Target) -> Result:
    """Run while watching the stack's processes. Raises ChildDied and ForeseenError."""
    running = asyncio.create_task(run(stack.settings, target, parameters, console))
    try:
        while not running.done():
            await asyncio.wait({running}, timeout=_CHECK_EVERY)
            await asyncio.to_thread(stack.check)
    finally:
        running.cancel()
    return running.result()


def _command(given: Settings) -> str:
    """How the reader calls ``onefold`` beside the running demo, which it finds by the data directory."""
    is_default = given.data_dir == Settings.model_fields["data_dir"].default
    where = "" if is_default else f"ONEFOLD_DATA_DIR={shlex.quote(str(given.data_dir.absolute()))} "
    return where + ("onefold" if shutil.which("onefold") else shlex.quote(sys.argv[0]))


def welcome(url: str, sign_in: str) -> str:
    """Return where to look around in a browser, each address on a line of its own."""
    return (
        "\nThe year in the web console; the link signs in once, within an hour "
        "(`onefold console link demo --role admin` makes another):\n"
        f"  {sign_in}\n"
        f"Onefold stays up at {url}; Ctrl-C ends it."
    )


def _stay(stack: Stack, console: Console) -> None:
    with server_losses():
        console.print(welcome(stack.url, stack.sign_in_address()), highlight=False, markup=False, soft_wrap=True)
    while True:
        time.sleep(_CHECK_EVERY)
        stack.check()
