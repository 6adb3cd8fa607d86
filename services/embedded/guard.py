"""Runs one program and ends it when its last owner is gone.

A guard is the parent of one server process. **When the last owner of the lease ends, for whatever reason, the guard
stops the program, and kills it if it does not stop.** Owners hold a shared lock on the lease's `owner` file; the kernel
releases it when they die, even by `kill -9`; the guard waits for the exclusive lock. While it runs, a guard holds a
shared lock on the lease's `children` file, so that others can wait until all guards have ended.

It is run by path, `python -I -S guard.py ORDER`, ORDER being a JSON object, and may import only the standard library.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
NOT_STARTED = 127  # the status that shells use


class _Guard:
    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.stopping = threading.Event()
        self.child: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._asked_to_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        threading.Thread(target=self._await_release, daemon=True).start()
        try:
            self.child = self._spawn()
            lower_priority(self.child.pid, self.order["nice"])
        except OSError as error:
            sys.stderr.write(f"cannot start {self.order['command'][0]}: {error}\n")
            return NOT_STARTED
        if self.stopping.is_set():  # the request came before there was a child
            self._stop(self.child)
        return self._outlive(self.child)

    def _spawn(self) -> subprocess.Popen[bytes]:
        uid, gid = self.order.get("uid"), self.order.get("gid")
        return subprocess.Popen(
            self.order["command"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C at the terminal must reach the owner, not the program
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
            cwd=self.order.get("cwd"),
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - safe with threads here: the other one only waits for a lock
        )

    def _asked_to_stop(self, _signal: int, _frame: object) -> None:
        already = self.stopping.is_set()
        self.stopping.set()
        if self.child is not None and not already:
            self._stop(self.child)

    def _stop(self, child: subprocess.Popen[bytes]) -> None:
        _send(child.pid, self.order["stop_signal"])
        timer = threading.Timer(self.order["grace"], _send_group, (child.pid, signal.SIGKILL))
        timer.daemon = True
        timer.start()

    def _outlive(self, child: subprocess.Popen[bytes]) -> int:
        # WNOWAIT keeps the pid reserved, so that the killed process group is the program's own.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        _send_group(child.pid, signal.SIGKILL)
        code = child.wait()
        return code if code >= 0 else 128 - code

    def _await_release(self) -> None:
        with Path(self.order["lease"], "owner").open("ab") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX)
        os.kill(os.getpid(), signal.SIGTERM)


def _die_with(parent: int) -> Callable[[], None] | None:
    """On Linux the kernel ends the program when the guard is killed. It must run after the change of user."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(NOT_STARTED)

    return arrange


def lower_priority(pid: int, nice: int) -> None:
    """Have the scheduler prefer other programs to this one by its niceness.

    The program has a session of its own. Linux may share the processors among sessions first (autogroup); then the
    niceness of a process counts within its session only, and that of the session is to be set.
    """
    if nice:
        os.setpriority(os.PRIO_PROCESS, pid, nice)
        with contextlib.suppress(OSError):  # other systems, or no autogroups
            Path(f"/proc/{pid}/autogroup").write_text(str(nice), encoding="ascii")


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _send_group(pid: int, number: int) -> None:
    # macOS answers EPERM for a group that has only a zombie left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def main() -> None:
    """Runs the order given as the only argument and exits as the program did (128 + n when signal n ended it)."""
    order = json.loads(sys.argv[1])
    with Path(order["lease"], "children").open("ab") as children:
        fcntl.flock(children, fcntl.LOCK_SH)
        code = _Guard(order).run()
    sys.exit(code)


if __name__ == "__main__":
    main()
