"""Forks workers. Half of a worker's start is importing; here that is done once.

Run it as a program. Each line of its input is a request, `{"command": …, "env": …, "log": …}`, of any command of
`onefold`; the answer is the new process's id.
When a child ends, its exit status (128 + n for signal n) is written to the log's path with `.status` appended. When
the input ends, all children are killed.
"""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from services.cli import app
from services.worker import main as _main  # noqa: F401 - imported once, for all children
from services.worker.agents import identity as _agent  # noqa: F401 - as above

_logs: dict[int, str] = {}


def main() -> None:
    signal.signal(signal.SIGCHLD, lambda *_: _reap())
    for line in sys.stdin:
        request = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            _run_command(request)
        _logs[pid] = request["log"]
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    for pid in list(_logs):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _run_command(request: dict[str, Any]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    with Path(request["log"]).open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(request["env"])
    try:
        app(request["command"])
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)
    os._exit(1)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = ended
            code = os.waitstatus_to_exitcode(status)
            Path(_logs.pop(pid) + ".status").write_text(str(code if code >= 0 else 128 - code))


if __name__ == "__main__":
    main()
