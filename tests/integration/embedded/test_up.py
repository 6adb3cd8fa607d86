"""`onefold up` from the terminal: start, stop, restart, and the messages about obstacles."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from services.embedded.ports import free_port
from services.embedded.process import wait_for

ONEFOLD = (sys.executable, "-c", "from services.cli import app; app()")
_PATIENT = {"ONEFOLD_ACK_TIMEOUT": "60"}
EVENT = {
    "type": "message.received",
    "contact": {"channel": "web", "account": "shop", "uid": "visitor-1"},
    "occurred_at": 1_700_000_000_000,
    "data": {"message_id": "m1", "kind": "text", "text": "hello"},
}


class Up:
    """One run of `onefold up`."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.port = int(settings.setdefault("ONEFOLD_PORT", str(free_port())))
        settings.setdefault("ONEFOLD_WORKER_PORT", str(free_port()))
        self._file = (data.parent / f"output-{self.port}.txt").open("w+")
        self.process = subprocess.Popen(
            [*ONEFOLD, "up"],
            env={
                **os.environ,
                "ONEFOLD_DATA_DIR": str(data),
                "COLUMNS": "200",
                "ONEFOLD_ACK_TIMEOUT": "60",
                **settings,
            },
            stdout=self._file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        self._file.seek(0)
        return self._file.read()

    def await_up(self) -> "Up":
        assert wait_for(lambda: "Ctrl-C stops it" in self.output or self.process.poll() is not None, 240)
        assert self.process.poll() is None, self.output
        return self

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(120)

    def close(self) -> None:
        if self.process.poll() is None:
            self.end()
        self._file.close()


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="onefold-up-", dir="/tmp") as name:
        Path(name).chmod(0o711)  # PostgreSQL, which can't run as root, has to get through
        yield Path(name, "data")


@pytest.fixture
def ups() -> Iterator[list[Up]]:
    """Whatever a test started, to be ended with it."""
    started: list[Up] = []
    yield started
    for up in started:
        up.close()


def _key(up: Up) -> str:
    key = re.search(r"of_[\w-]{43}", up.output)
    assert key, up.output
    return key[0]


def _contact(up: Up) -> httpx.Response:
    url = f"http://127.0.0.1:{up.port}/v1/contacts/web/shop/visitor-1"
    return httpx.get(url, headers={"Authorization": f"Bearer {_key(up)}"}, timeout=60)


@pytest.mark.long
def test_a_restart_keeps_everything_and_kill_9_leaves_no_orphan(home: Path, ups: list[Up]) -> None:
    ups.append(first := Up(home, COLUMNS="80").await_up())
    url = r"^ *PostgreSQL +postgresql://onefold:\S{32}@127\.0\.0\.1:\d+/onefold$"
    assert re.search(url, first.output, re.MULTILINE), "whole on one line of a narrow terminal"
    assert not [path for path in home.iterdir() if path.is_dir() and path.stat().st_mode & 0o077]
    headers = {"Authorization": f"Bearer {_key(first)}"}
    url = f"http://127.0.0.1:{first.port}/v1/events"
    assert httpx.post(url, json=EVENT, headers=headers, timeout=60).status_code == 202
    assert wait_for(lambda: _contact(first).status_code == 200, 240)
    before = _contact(first).json()

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
    assert _key(again) == _key(first)
    assert wait_for(lambda: _contact(again).status_code == 200, 240)
    assert _contact(again).json() == before

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
