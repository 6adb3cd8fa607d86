"""Child processes that can't outlive their owners. `guard.py` has the promise; this is the owner's side of it."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from services.embedded import guard
from services.embedded.errors import CannotStart

_LAST_LINES = 15
_PAUSE = 0.03


class Lease:
    """A share in the life of all programs that were started under one directory.

    They run while any process holds a `Lease` of the directory. Several may, at once.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._owner = (directory / "owner").open("ab")
        fcntl.flock(self._owner, fcntl.LOCK_SH)

    def release(self) -> None:
        """Gives the share up; if it was the last, the programs are ended from now on."""
        self._owner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def await_childless(directory: Path, timeout: float) -> bool:
    """Waits until no program of the directory's leases is left; false if some still is after `timeout` seconds."""
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
    """Asks again and again until the condition holds; false if it never did."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True


@dataclass(frozen=True, slots=True)
class User:
    """Whom a program runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how to end it."""

    name: str
    command: tuple[str, ...]
    log: Path
    env: Mapping[str, str] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 20.0
    user: User | None = None
    cwd: Path | None = None

    def order(self, lease: Lease) -> str:
        """The guard's argument."""
        user = {"uid": self.user.uid, "gid": self.user.gid} if self.user else {}
        cwd = {"cwd": str(self.cwd)} if self.cwd else {}
        order = {"command": self.command, "lease": str(lease.directory.resolve()), "grace": self.grace}
        return json.dumps(order | {"stop_signal": int(self.stop_signal)} | user | cwd)


class Process:
    """One running program under its guard. The methods block; they may be called from any thread."""

    def __init__(self, program: Program, lease: Lease) -> None:
        self.program = program
        self._lease = lease  # held as long as this is, lest a forgotten lease end what somebody still watches
        _rotate(program.log)
        with program.log.open("wb") as log:
            self._guard = subprocess.Popen(
                (sys.executable, "-I", "-S", guard.__file__, program.order(lease)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(os.environ if program.env is None else program.env),
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """How the program ended (128 + n by signal n); `None` while it runs."""
        return self._guard.poll()

    @property
    def pid(self) -> int | None:
        """The program's own pid; `None` when it is not there (yet, or any more)."""
        try:
            children = psutil.Process(self._guard.pid).children()
        except psutil.NoSuchProcess:
            return None
        return children[0].pid if children else None

    def stop(self) -> int:
        """Ends it politely, and by force after its grace. Safe to repeat."""
        self._guard.terminate()
        return self._guard.wait(self.program.grace + 10)

    def kill(self) -> None:
        """As `kill -9` of the program does: no warning, nothing is put away."""
        if (pid := self.pid) is not None:
            os.kill(pid, signal.SIGKILL)
        self._guard.wait(10)

    def wait(self, timeout: float) -> int:
        """Waits until it ends by itself."""
        return self._guard.wait(timeout)

    def await_ready(self, ready: Callable[[], bool], timeout: float) -> None:
        """Returns when `ready` holds. Raises `CannotStart`, naming the log, if the program ends first or is slow."""
        done = wait_for(lambda: self.exit_code is not None or ready(), timeout)
        if self.exit_code is not None:
            raise CannotStart(f"{self.program.name} ended while it was starting. {said(self.program.log)}")
        if not done:
            self.stop()
            raise CannotStart(f"{self.program.name} was not ready after {timeout:.0f} s. {said(self.program.log)}")


def said(log: Path) -> str:
    """Where a log is and what its last lines say, for the end of a message."""
    lines = log.read_text(errors="replace").strip().splitlines()[-_LAST_LINES:]
    return "\n".join((f"Its log is {log}" + (", which ends:" if lines else "; it is empty."), *lines))


def _rotate(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(log.name + ".1"))
