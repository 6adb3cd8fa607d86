"""`onefold up` from the terminal: the life of one data folder over its versions, and messages about obstacles."""

import os
import re
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import psutil
import pytest

from services.embedded.process import wait_for
from services.runtime.errors import EXIT_INCOMPATIBLE
from tests.support.other_code import OtherCode
from tests.support.running_up import EVENT, ONEFOLD, Up

# The older version's timeline has a column that this one has not: it can't be built alone.
OLDER: Final = {
    "projections/timeline/tables.py": (
        "    account_key: str | None = None\n",
        "    account_key: str | None = None\n    former: str | None = None\n",
    )
}
OWNED: Final = "onefold_partitions_owned{"
OTHER: Final = {**EVENT["contact"], "uid": "visitor-2"}
LATER: Final = EVENT["occurred_at"] + 1000


def done(home: Path, *command: str) -> str:
    """What the command of this version printed, which must succeed."""
    env = {**os.environ, "ONEFOLD_DATA_DIR": str(home), "COLUMNS": "200", "S": "a secret"}
    ended = subprocess.run([*ONEFOLD, *command], env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_folder_outlives_a_crash_an_upgrade_a_restart_and_a_dead_child(
    home: Path, ups: list[Up], tmp_path: Path
) -> None:
    ups.append(older := Up(home, OtherCode(tmp_path, OLDER)).await_up())
    older.post()
    assert wait_for(lambda: older.contact().status_code == 200, 240)
    before = older.contact().json()
    _kill_9_leaves_no_orphan(older)

    ups.append(refused := Up(home))
    assert refused.process.wait(240) == EXIT_INCOMPATIBLE
    assert "onefold rebuild" in refused.output
    printed = done(home, "rebuild", "--swap", "--workers", "1", "--share", "100%")
    assert "Made by other code, columns gone: former: timeline." in printed
    assert "g2 is the active generation now; 0 changes of customers were announced" in printed

    ups.append(newer := Up(home, COLUMNS="80").await_up())
    assert newer.key == older.key
    assert newer.contact().json() == before
    _shows_addresses_and_a_link_that_signs_in(newer)
    assert not [path for path in home.iterdir() if path.is_dir() and path.stat().st_mode & 0o077]
    _commands_find_it(home, newer)
    ups.append(second := Up(home))
    assert second.process.wait(120) == 1
    assert f"already runs on {home} (process {newer.process.pid})" in second.output
    newer.post(occurred_at=LATER, data={**EVENT["data"], "message_id": "m2"})
    assert wait_for(lambda: newer.contact().json() != before, 240)
    before = newer.contact().json()
    done(home, "verify")
    _ctrl_c_ends_it_in_order(newer)
    _its_log_goes_into_files_and_back(home, tmp_path / "archive")

    ups.append(again := Up(home, options=("--workers", "2")).await_up())
    assert again.key == newer.key
    assert again.contact().json() == before
    _two_workers_share_the_partitions(again)
    _a_dead_child_ends_everything(again, home)


def _its_log_goes_into_files_and_back(home: Path, folder: Path) -> None:
    """Nothing else can delete a topic of a folder whose servers run with `onefold up` alone."""
    done(home, "log", "export", str(folder))
    printed = done(home, "log", "import", str(folder), "--replace")
    assert "g2 goes on where it was: start the workers." in printed


def test_a_busy_port_is_named_before_anything_is_started(home: Path, ups: list[Up]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ups.append(up := Up(home, ONEFOLD_PORT=str(port)))
        assert up.process.wait(120) == 1
    assert f"Port {port}, wanted for the HTTP service, is in use by another program." in up.output
    assert not (home / "kafka").exists()


def _shows_addresses_and_a_link_that_signs_in(up: Up) -> None:
    url = r"^ *PostgreSQL +postgresql://onefold:\S{32}@127\.0\.0\.1:\d+/onefold$"
    assert re.search(url, up.output, re.MULTILINE), "whole on one line of a narrow terminal"
    link = re.search(r"http://\S+/console/link/\S{43}$", up.output, re.MULTILINE)
    assert link
    assert httpx.get(link[0]).status_code == 200, "a page that signs in"


def _commands_find_it(home: Path, up: Up) -> None:
    done(home, "sources", "add", "line", "oa", "--tenant", "demo", "--account", "oa1", "--secret-env", "S")
    assert f"at http://127.0.0.1:{up.port}" in done(home, "sources", "doctor", "oa")


def _ctrl_c_ends_it_in_order(up: Up) -> None:
    family = up.family()
    assert len(family) >= 8, "four programs, each with its guard"
    assert up.end(signal.SIGINT) == 0
    assert not any(_lives(one) for one in family)


def _kill_9_leaves_no_orphan(up: Up) -> None:
    family = up.family()
    up.process.kill()
    up.process.wait(120)
    assert wait_for(lambda: not any(_lives(one) for one in family), 240)


def _two_workers_share_the_partitions(up: Up) -> None:
    pages = re.findall(r"^ *Worker +(http://\S+/metrics)$", up.output, re.MULTILINE)

    def owned() -> list[float]:
        lines = [httpx.get(page, timeout=60).text.splitlines() for page in pages]
        return [sum(float(one.split()[-1]) for one in of_page if one.startswith(OWNED)) for of_page in lines]

    assert wait_for(lambda: owned() == [8, 8], 240), "half of the partitions of two topics each"
    up.post(occurred_at=LATER, data={**EVENT["data"], "message_id": "m3"}, contact=OTHER)
    assert wait_for(lambda: up.contact(OTHER["uid"]).status_code == 200, 240)


def _a_dead_child_ends_everything(up: Up, home: Path) -> None:
    family = up.family()
    next(one for one in reversed(family) if _is_worker(one)).kill()
    assert up.process.wait(120) == 1
    log = re.escape(str(home / "logs" / "worker"))
    assert re.search(rf"The worker ended unexpectedly with status 137\. Its log is {log}(-2)?\.log", up.output)
    assert not any(_lives(one) for one in family)


def _is_worker(process: psutil.Process) -> bool:
    """Whether it is one; what has ended meanwhile, as a connection's process of PostgreSQL may have, is none."""
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()[-1:] == ["worker"]
    return False


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
