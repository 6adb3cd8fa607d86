"""No orphan is left, however its owner ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from services.embedded.errors import CannotStart
from services.embedded.process import Lease, Process, Program, await_childless, wait_for

FOREVER = ("/bin/sh", "-c", "echo ready; while :; do sleep 0.1; done")
STUBBORN = ("/bin/sh", "-c", "trap '' TERM INT; echo ready; while :; do sleep 0.1; done")


@pytest.fixture
def lease(tmp_path: Path) -> Iterator[Lease]:
    with Lease(tmp_path / "run") as lease:
        yield lease


def _program(tmp_path: Path, command: tuple[str, ...], grace: float = 5.0) -> Program:
    return Program("it", command, tmp_path / "it.log", grace=grace)


def _started(program: Program, lease: Lease) -> Process:
    process = Process(program, lease)
    process.await_ready(lambda: "ready" in program.log.read_text(), 60)
    return process


def test_stop_lets_the_program_end_in_order(tmp_path: Path, lease: Lease) -> None:
    polite = ("/bin/sh", "-c", "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.1; done")
    process = _started(_program(tmp_path, polite), lease)
    assert process.stop() == 3
    assert process.program.log.read_text() == "ready\nbye\n"


def test_a_program_that_ignores_its_stop_signal_is_killed_with_its_children(tmp_path: Path, lease: Lease) -> None:
    process = _started(_program(tmp_path, STUBBORN, grace=0.3), lease)
    assert process.pid is not None
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
    assert process.stop() == 128 + signal.SIGKILL
    assert wait_for(lambda: not any(_lives(one) for one in family), 60)


def test_a_nice_program_leaves_the_processors_to_other_sessions(tmp_path: Path, lease: Lease) -> None:
    process = Process(replace(_program(tmp_path, ("/bin/sleep", "600")), nice=7), lease)
    assert wait_for(lambda: process.pid is not None and os.getpriority(os.PRIO_PROCESS, process.pid) == 7, 60)
    autogroup = Path(f"/proc/{process.pid}/autogroup")
    if autogroup.exists():  # Linux shares the processors among sessions first
        assert wait_for(lambda: autogroup.read_text().endswith("nice 7\n"), 60)
    process.kill()


def test_the_exit_status_is_passed_on(tmp_path: Path, lease: Lease) -> None:
    process = Process(_program(tmp_path, ("/bin/sh", "-c", "exit 75")), lease)
    assert process.wait(60) == 75


def test_a_program_that_ends_while_starting_is_reported_with_its_log(tmp_path: Path, lease: Lease) -> None:
    process = Process(_program(tmp_path, ("/bin/sh", "-c", "echo no such thing >&2; exit 1")), lease)
    with pytest.raises(CannotStart, match=r"it ended while it was starting. Its log is .*it.log, which ends:\nno such"):
        process.await_ready(lambda: False, 60)


def test_a_missing_program_is_reported(tmp_path: Path, lease: Lease) -> None:
    process = Process(_program(tmp_path, ("/no/such/program",)), lease)
    with pytest.raises(CannotStart, match="cannot start /no/such/program"):
        process.await_ready(lambda: False, 60)


def test_a_program_that_is_never_ready_is_stopped(tmp_path: Path, lease: Lease) -> None:
    process = Process(_program(tmp_path, FOREVER), lease)
    with pytest.raises(CannotStart, match="it was not ready after 0 s"):
        process.await_ready(lambda: False, 0.3)
    assert process.exit_code is not None


def test_a_program_ends_with_the_last_owner_of_its_lease(tmp_path: Path) -> None:
    first, second = Lease(tmp_path / "run"), Lease(tmp_path / "run")
    process = _started(_program(tmp_path, FOREVER), first)
    first.release()
    assert not await_childless(tmp_path / "run", 0.3)
    assert process.exit_code is None
    second.release()
    assert await_childless(tmp_path / "run", 60)
    assert process.wait(60) == 128 + signal.SIGTERM


OWNER = """
import sys, time
from pathlib import Path
from services.embedded.process import Lease, Process, Program
here = Path(sys.argv[1])
process = Process(Program("it", tuple(sys.argv[2:]), here / "it.log"), Lease(here / "run"))
process.await_ready(lambda: process.pid is not None and "ready" in (here / "it.log").read_text(), 60)
print(process.pid, process._guard.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", psutil.Process, psutil.Process]]:
    """A process with a program of its own: (itself, the program, the guard)."""
    command = [sys.executable, "-c", OWNER, str(tmp_path), *FOREVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        program, guard = (psutil.Process(int(pid)) for pid in started.stdout.readline().split())
        yield started, program, guard
        started.kill()


def test_kill_9_of_the_owner_leaves_no_orphan(
    owner: tuple["subprocess.Popen[str]", psutil.Process, psutil.Process],
) -> None:
    started, program, guard = owner
    started.kill()
    assert wait_for(lambda: not _lives(program) and not _lives(guard), 60)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux signals a parent's death")
def test_kill_9_of_the_guard_leaves_no_orphan(
    owner: tuple["subprocess.Popen[str]", psutil.Process, psutil.Process],
) -> None:
    _, program, guard = owner
    os.kill(guard.pid, signal.SIGKILL)
    assert wait_for(lambda: not _lives(program), 60)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
