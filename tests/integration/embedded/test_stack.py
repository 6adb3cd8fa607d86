import socket
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from services.embedded.datadir import DataDir
from services.embedded.errors import ChildDied, PortBusy
from services.embedded.process import Process, Program
from services.embedded.restarts import RESTART_STATUS
from services.embedded.stack import Stack
from services.embedded.workers import Workers
from services.runtime.settings import Settings


def test_the_default_port_of_a_worker_gives_way_to_another_program(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = taken.getsockname()[1]
        default = Settings.model_construct({"port"}, data_dir=tmp_path, port=0, worker_port=busy)
        assert Stack(default)._with_free_ports().worker_port not in (0, busy)
        with pytest.raises(PortBusy, match="ONEFOLD_WORKER_PORT"):
            Stack(Settings(data_dir=tmp_path, port=0, worker_port=busy))._with_free_ports()


class Worker:
    """Stands in for the worker, which can't be made to exit on demand; its process is a real one."""

    def __init__(self, home: DataDir, name: str, script: str) -> None:
        self.started = 0
        self._home = home
        self._program = Program(name, ("/bin/sh", "-c", script), home.logs / f"{name}.log")

    def start(self) -> Process:
        self.started += 1
        process = Process(self._program, self._home.lease)
        if "exit" in self._program.command[-1]:
            process.wait(120)
        return process


def test_a_worker_that_asks_for_a_restart_is_restarted_a_limited_number_of_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Stack(Settings(data_dir=tmp_path), Console())
    with closing(DataDir(tmp_path)) as home:
        ends, stays = Worker(home, "One", f"exit {RESTART_STATUS}"), Worker(home, "Other", "sleep 600")
        stack._workers = workers = Workers(2, lambda number: (stays, ends)[number].start())
        workers.start()
        stack.check()
        assert (stays.started, ends.started) == (1, 2)
        assert "The worker exited to be restarted." in capsys.readouterr().out
        for _ in range(4):
            stack.check()
        with pytest.raises(ChildDied, match=r"One ended unexpectedly with status 75\. Its log is"):
            stack.check()
        assert (stays.started, ends.started) == (1, 6)
        workers.stop()
        assert None not in [one.exit_code for one in workers]
