"""`onefold worker` as processes that tests start, suspend and kill."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx

from services.embedded.ports import free_port
from services.embedded.service_processes import environment
from services.runtime.settings import Settings
from tests.support.polling import until

_ROOT: Final = Path(__file__).parents[2]


class ForkServer:
    """Starts workers that need not import anything first; see `fork_server.py`."""

    def __init__(self) -> None:
        command = (sys.executable, "-m", "tests.support.fork_server")
        self._process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, settings: Settings, log: Path, command: Sequence[str] = ("worker",)) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"command": command, "env": environment(settings), "log": str(log)}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate(timeout=120)


class WorkerProcess:
    """`onefold worker`, or another ``command``, as a process of its own."""

    def __init__(
        self, settings: Settings, log: Path, fork_server: ForkServer, command: Sequence[str] = ("worker",)
    ) -> None:
        self.settings = settings.model_copy(update={"worker_port": free_port()})
        self.log = log
        self._status = Path(f"{log}.status")
        self.pid = fork_server.start(self.settings, log, command)

    @property
    def running(self) -> bool:
        return not (self._status.exists() and self._status.read_text())

    def kill(self) -> None:
        """Send SIGKILL and wait for the end; one that has just ended by itself is left."""
        self._send(signal.SIGKILL)
        while self.running:
            time.sleep(0.01)

    def suspend(self) -> None:
        """Send SIGSTOP: the process stops where it is and does not notice."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def stop(self) -> int:
        """Send SIGTERM and return the exit status. Waits until the worker takes that for a wish: one that has just
        started would be ended by it."""
        await until(lambda: asyncio.sleep(0, self._stops_in_order or not self.running), 240, lambda: self.output)
        self._send(signal.SIGTERM)
        return await self.ended(240)

    @property
    def _stops_in_order(self) -> bool:
        """Whether it has a handler for SIGTERM. Where a system can't tell, it is taken to have one."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return True
        handled = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(handled.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    async def ended(self, within: float) -> int:
        """The exit status; 128 + n by signal n."""
        await until(lambda: asyncio.sleep(0, not self.running), within, lambda: f"the worker goes on:\n{self.output}")
        return int(self._status.read_text())

    @property
    def output(self) -> str:
        """The last 6,000 characters of its log, to be shown."""
        return self.log.read_text(errors="replace")[-6000:]

    def has_logged(self, words: str, times: int = 1) -> bool:
        """Whether its whole log has the words so often."""
        return self.times_logged(words) >= times

    def times_logged(self, words: str) -> int:
        """How often its whole log has the words."""
        return self.log.read_text(errors="replace").count(words)

    async def get(self, path: str) -> httpx.Response:
        """Raises httpx.TransportError while it does not listen."""
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://127.0.0.1:{self.settings.worker_port}{path}", timeout=60)

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's values with these labels; 0 while the worker does not answer."""
        with contextlib.suppress(httpx.TransportError):
            lines = (await self.get("/metrics")).text.splitlines()
            named = (line for line in lines if line.startswith((f"{name} ", f"{name}{{")))
            wanted = [f'{label}="{value}"' for label, value in labels.items()]
            return sum(float(line.split()[-1]) for line in named if all(one in line for one in wanted))
        return 0.0

    async def until_metric(self, value: float, name: str, **labels: str) -> None:
        """Wait until the metric, as `metric` reads it, has the value: some are kept by tasks that run now and then."""

        async def has_it() -> bool:
            return await self.metric(name, **labels) == value

        await until(has_it, 240, lambda: f"{name} {labels} does not become {value}\n{self.output}")
