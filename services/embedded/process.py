"""Child processes that end with their owners. `guard.py` keeps that promise; this is the owner's side."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from services.embedded import guard
from services.embedded.errors import CannotStart

_LAST_LINES = 15
_PAUSE = 0.03
_GUARD_ENDS_WITHIN = 60.0  # s after its program


def private_folder(path: Path) -> Path:
    """Make the folder, if it is missing, and let nobody but its owner into it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


class Lease:
    """A shared lock that keeps the programs of one directory running.

    The programs started under the directory run while any process holds a `Lease` of it.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._owner = (directory / "owner").open("ab")
        fcntl.flock(self._owner, fcntl.LOCK_SH)

    def release(self) -> None:
        """Release the lock. After the last release the guards end the programs."""
        self._owner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def await_childless(directory: Path, timeout: float) -> bool:
    """Wait until no program of the directory runs; false if one still does after `timeout` seconds."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "children").open("ab") as children:
        return wait_for(lambda: _lock_now(children), timeout)


def _lock_now(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for(condition: Callable[[], bool], timeout: float) -> bool:
    """Poll until the condition holds; false if it does not within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True


@dataclass(frozen=True, slots=True)
class User:
    """The user that a program runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how to end it: `stop_signal` first, a kill after `grace` seconds.

    With a ``nice`` above 0 the program leaves the processors to others who want them. What it prints goes to the
    ``log``, or, if it is ``shown``, to where this process prints.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    env: Mapping[str, str] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 20.0
    user: User | None = None
    cwd: Path | None = None
    nice: int = 0
    shown: bool = False

    def order(self, lease: Lease) -> str:
        """The guard's argument."""
        user = {"uid": self.user.uid, "gid": self.user.gid} if self.user else {}
        cwd = {"cwd": str(self.cwd)} if self.cwd else {}
        order = {"command": self.command, "lease": str(lease.directory.resolve()), "grace": self.grace}
        return json.dumps(order | {"stop_signal": int(self.stop_signal), "nice": self.nice} | user | cwd)


class Process:
    """One running program under its guard. The methods block; they may be called from any thread."""

    def __init__(self, program: Program, lease: Lease) -> None:
        self.program = program
        self._lease = lease  # kept here, so that the lease is not collected while the process is in use
        if program.shown:
            self._guard = self._start(None)
            return
        _rotate(program.log)
        with program.log.open("wb") as log:
            self._guard = self._start(log)

    def _start(self, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
        program = self.program
        return subprocess.Popen(
            (sys.executable, "-I", "-S", guard.__file__, program.order(self._lease)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(os.environ if program.env is None else program.env),
            start_new_session=True,
        )

    @property
    def exit_code(self) -> int | None:
        """The exit status (128 + n after signal n); `None` while the program runs."""
        return self._guard.poll()

    @property
    def pid(self) -> int | None:
        """The program's own pid; `None` before it is started and after it ended."""
        try:
            children = psutil.Process(self._guard.pid).children()
        except psutil.NoSuchProcess:
            return None
        return children[0].pid if children else None

    def stop(self) -> int:
        """End the program by its stop signal, and by a kill after its grace period. Safe to repeat."""
        self._guard.terminate()
        return self._guard.wait(self.program.grace + _GUARD_ENDS_WITHIN)

    def kill(self) -> None:
        """Kill the program at once, without an orderly end."""
        with suppress(ProcessLookupError):  # it has just ended by itself
            if (pid := self.pid) is not None:
                os.kill(pid, signal.SIGKILL)
        self._guard.wait(_GUARD_ENDS_WITHIN)

    def wait(self, timeout: float) -> int:
        """Wait up to `timeout` seconds until the program ends by itself; return its exit status."""
        return self._guard.wait(timeout)

    def await_ready(self, ready: Callable[[], bool], timeout: float) -> None:
        """Wait until `ready` holds. Raises `CannotStart`, naming the log, if the program ends first or takes longer."""
        done = wait_for(lambda: self.exit_code is not None or ready(), timeout)
        if self.exit_code is not None:
            raise CannotStart(f"{self.program.name} ended while it was starting. {log_tail(self.program.log)}")
        if not done:
            self.stop()
            raise CannotStart(f"{self.program.name} was not ready after {timeout:.0f} s. {log_tail(self.program.log)}")


def log_tail(log: Path) -> str:
    """Return where a log is and its last lines, for the end of a message."""
    lines = log.read_text(errors="replace").strip().splitlines()[-_LAST_LINES:]
    return "\n".join((f"Its log is {log}" + (", which ends:" if lines else "; it is empty."), *lines))


def _rotate(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(log.name + ".1"))
