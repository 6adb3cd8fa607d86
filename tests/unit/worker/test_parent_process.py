"""A child process ends with its parent, also where the parent is killed and the child can't notice anything."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

_CHILD = """
import os, sys, time
from services.worker.parent_process import end_with

end_with(int(sys.argv[1]) if sys.argv[1:] else os.getppid())
print(os.getpid(), flush=True)
time.sleep(600)
"""
_PARENT = """
import subprocess, sys

subprocess.run([sys.executable, "-c", sys.argv[1]], check=False)
"""


@pytest.fixture
def parent() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", _PARENT, _CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        yield started
        started.kill()


@pytest.mark.parametrize("suspended", [False, True])
def test_a_child_ends_with_a_parent_that_is_killed(parent: "subprocess.Popen[str]", *, suspended: bool) -> None:
    if suspended and not sys.platform.startswith("linux"):
        pytest.skip("only Linux signals a parent's death")
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    if suspended:
        child.suspend()
    parent.kill()
    psutil.wait_procs([child], timeout=240)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_child_whose_parent_has_ended_before_ends_at_once() -> None:
    nobody = str(os.getpid() + 1)  # not the parent
    ended = subprocess.run([sys.executable, "-c", _CHILD, nobody], check=False, timeout=240, capture_output=True)
    assert ended.returncode == -signal.SIGKILL
