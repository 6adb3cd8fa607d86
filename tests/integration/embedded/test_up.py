"""`onefold up` from the terminal: start, stop, restart, and the messages about obstacles."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import psutil
import pytest

from services.embedded.process import wait_for
from tests.support.running_up import ONEFOLD, Up


@pytest.mark.long
def test_a_restart_keeps_everything_and_kill_9_leaves_no_orphan(home: Path, ups: list[Up]) -> None:
    ups.append(first := Up(home, COLUMNS="80").await_up())
    url = r"^ *PostgreSQL +postgresql://onefold:\S{32}@127\.0\.0\.1:\d+/onefold$"
    assert re.search(url, first.output, re.MULTILINE), "whole on one line of a narrow terminal"
    link = re.search(r"http://\S+/console/link/\S{43}$", first.output, re.MULTILINE)
    assert link
    assert httpx.get(link[0]).status_code == 200, "a page that signs in"
    assert not [path for path in home.iterdir() if path.is_dir() and path.stat().st_mode & 0o077]
    first.post()
    assert wait_for(lambda: first.contact().status_code == 200, 240)
    before = first.contact().json()

    beside = {**os.environ, "ONEFOLD_DATA_DIR": str(home), "S": "a secret"}
    line = ("add", "line", "oa", "--tenant", "demo", "--account", "oa1", "--secret-env", "S")
    for arguments in (line, ("doctor", "oa")):
        done = subprocess.run(
            [*ONEFOLD, "sources", *arguments], env=beside, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert f"at http://127.0.0.1:{first.port}" in done.stdout

    second = Up(home)
    ups.append(second)
    assert second.process.wait(120) == 1
    assert f"already runs on {home} (process {first.process.pid})" in second.output

    family = first.family()
    assert len(family) >= 8, "four programs, each with its guard"
    assert first.end(signal.SIGINT) == 0, "Ctrl-C is an orderly end"
    assert not any(_lives(one) for one in family)

    ups.append(again := Up(home).await_up())
    assert again.key == first.key
    assert wait_for(lambda: again.contact().status_code == 200, 240)
    assert again.contact().json() == before

    family = again.family()
    again.process.kill()
    assert wait_for(lambda: not any(_lives(one) for one in family), 240)


@pytest.mark.long
def test_a_dead_child_process_ends_everything_and_is_named(home: Path, ups: list[Up]) -> None:
    ups.append(up := Up(home).await_up())
    family = up.family()
    next(one for one in family if one.cmdline()[-1] == "worker").kill()
    assert up.process.wait(120) == 1
    assert f"The worker ended unexpectedly with status 137. Its log is {home / 'logs' / 'worker.log'}" in up.output
    assert not any(_lives(one) for one in family)


def test_a_busy_port_is_named_before_anything_is_started(home: Path, ups: list[Up]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ups.append(up := Up(home, ONEFOLD_PORT=str(port)))
        assert up.process.wait(120) == 1
    assert f"Port {port}, wanted for the HTTP service, is in use by another program." in up.output
    assert not (home / "kafka").exists()


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
