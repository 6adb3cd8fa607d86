import socket
from pathlib import Path

import pytest
from rich.console import Console

from services.embedded.datadir import DataDir
from services.embedded.errors import ChildDied, PortBusy
from services.embedded.process import Lease, Process, Program
from services.embedded.restarts import RESTART_STATUS
from services.embedded.stack import Stack
from services.runtime.settings import Settings


class Workers:
    """Stands in for the worker, which can't be made to exit on demand; its process is a real one."""

    def __init__(self) -> None:
        self.started = 0

    def start(self, _settings: Settings, logs: Path, lease: Lease) -> Process:
        self.started += 1
        log = logs / "worker.log"
        worker = Process(Program("The worker", ("/bin/sh", "-c", f"exit {RESTART_STATUS}"), log), lease)
        worker.wait(120)
        return worker


def test_the_default_port_of_a_worker_gives_way_to_another_program(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = taken.getsockname()[1]
        default = Settings.model_construct({"port"}, data_dir=tmp_path, port=0, worker_port=busy)
        assert Stack(default)._with_free_ports().worker_port not in (0, busy)
        with pytest.raises(PortBusy, match="ONEFOLD_WORKER_PORT"):
            Stack(Settings(data_dir=tmp_path, port=0, worker_port=busy))._with_free_ports()


def test_a_worker_that_asks_for_a_restart_is_restarted_a_limited_number_of_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workers = Workers()
    stack = Stack(Settings(data_dir=tmp_path), Console(), start_worker=workers.start)
    stack.settings = Settings()
    stack._home = home = DataDir(tmp_path)
    stack._worker = workers.start(stack.settings, home.logs, home.lease)
    stack.check()
    assert workers.started == 2
    assert "The worker exited to be restarted." in capsys.readouterr().out
    for _ in range(4):
        stack.check()
    with pytest.raises(ChildDied, match=r"The worker ended unexpectedly with status 75\. Its log is"):
        stack.check()
    assert workers.started == 6
    home.close()
