"""The demo put together: settings in, a stack up, a story told, the exit status out."""

import asyncio
import shlex
import shutil
import signal
import sys
import time
from typing import Final

import orjson
from rich.console import Console

from services.control.registry import ControlError
from services.demo.connections import connect
from services.demo.errors import DemoError
from services.demo.report import Result, show
from services.demo.requests import Address
from services.demo.tour import Story, losses_named, tell
from services.embedded.errors import EmbeddedError
from services.embedded.stack import Stack
from services.runtime.secrets import WrongMasterKey
from services.runtime.settings import Settings

_LOOK_EVERY: Final = 1.0
_FAILED: Final = 1
_INTERRUPTED: Final = 130
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(story: Story, *, leave: bool, as_json: bool, port: int | None) -> int:
    """Tell the story on a stack of one's own, and stay up unless told to leave; 0 only if the accounts balance."""
    settings = Settings() if port is None else Settings().model_copy(update={"port": port})
    console = Console(stderr=as_json)
    for number in _SIGNALS:
        signal.signal(number, _stop)
    result: Result | None = None
    try:
        with Stack(settings, console) as stack:
            result = asyncio.run(_watched(stack, story, console, settings))
            show(console, result, leave=leave)
            if as_json:
                sys.stdout.write(orjson.dumps(result.as_json()).decode() + "\n")
                sys.stdout.flush()
            if not leave:
                _stay(stack, console)
    except (EmbeddedError, DemoError, ControlError, WrongMasterKey) as error:
        console.print(str(error), style="bold red", markup=False, soft_wrap=True)
        return _FAILED
    except KeyboardInterrupt:
        console.print("Stopped.")
    return _INTERRUPTED if result is None else _FAILED if result.faults else 0


def _stop(_number: int, _frame: object) -> None:
    for number in _SIGNALS:  # one is enough: a second must not interrupt the orderly end
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


async def _watched(stack: Stack, story: Story, console: Console, given: Settings) -> Result:
    """The story, told while an eye is on the stack's processes. Raises ChildDied, DemoError, ControlError."""
    telling = asyncio.create_task(_tell(stack, story, console, given))
    try:
        while not telling.done():
            await asyncio.wait({telling}, timeout=_LOOK_EVERY)
            await asyncio.to_thread(stack.check)
    finally:
        telling.cancel()
    return telling.result()


async def _tell(stack: Stack, story: Story, console: Console, given: Settings) -> Result:
    with losses_named():
        address = Address(stack.url, stack.key, await connect(stack.settings), _command(given))
        return await tell(stack.settings, address, story, console)


def _command(given: Settings) -> str:
    """How the reader calls ``onefold`` while the service runs: it finds the servers by the data directory."""
    usual = given.data_dir == Settings.model_fields["data_dir"].default
    where = "" if usual else f"ONEFOLD_DATA_DIR={shlex.quote(str(given.data_dir.absolute()))} "
    return where + ("onefold" if shutil.which("onefold") else shlex.quote(sys.argv[0]))


def _stay(stack: Stack, console: Console) -> None:
    console.print(f"\nOnefold stays up at {stack.url}; Ctrl-C ends it.", highlight=False, soft_wrap=True)
    while True:
        time.sleep(_LOOK_EVERY)
        stack.check()
