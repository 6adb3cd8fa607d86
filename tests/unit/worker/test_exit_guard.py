"""A worker exits in its time with its own status, whatever still runs in its process."""

import subprocess
import sys

import pytest

_PROGRAM = """
import signal, threading
from services.worker import commands, main

def hang():
    threading.Thread(target=threading.Event().wait, name="consumer").start()  # Python waits for it in the end

def run(settings, factories, role, *, on_stop):
    {run}

main.run = run
commands._STOP_WITHIN = commands._EXIT_WITHIN = {within}
try:
    commands.worker()
except commands.typer.Exit as end:
    raise SystemExit(end.exit_code)
"""


@pytest.mark.parametrize(
    ("run", "within", "status"),
    [
        ("hang(); return 0", 0.3, 0),
        ("hang(); return 75", 0.3, 75),
        ("on_stop(); signal.pause()", 0.3, 0),
        ("on_stop(); return 65", 300, 65),
    ],
    ids=["a thread is left", "a thread is left after a crash", "stopping hangs", "nothing hangs"],
)
def test_the_process_ends_in_its_time_with_the_status_of_the_worker(run: str, within: float, status: int) -> None:
    program = _PROGRAM.format(run=run, within=within)
    ended = subprocess.run((sys.executable, "-c", program), check=False, timeout=200)  # else it hangs for ever
    assert ended.returncode == status
