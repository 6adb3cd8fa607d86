"""`onefold up` as a process, and an event for it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from services.embedded.ports import free_port
from services.embedded.process import wait_for
from tests.support.other_code import OtherCode

ONEFOLD: Final = (sys.executable, "-c", "from services.cli import app; app()")
EVENT: Final[dict[str, Any]] = {
    "type": "message.received",
    "contact": {"channel": "web", "account": "shop", "uid": "visitor-1"},
    "occurred_at": 1_700_000_000_000,
    "data": {"message_id": "m1", "kind": "text", "text": "hello"},
}


class Up:
    """One run of `onefold up`, of this code or of another version of it."""

    def __init__(self, data: Path, code: OtherCode | None = None, options: Sequence[str] = (), **settings: str) -> None:
        self.port = int(settings.setdefault("ONEFOLD_PORT", str(free_port())))
        settings.setdefault("ONEFOLD_WORKER_PORT", str(free_port()))
        self._file = (data.parent / f"output-{self.port}.txt").open("w+")
        self.process = subprocess.Popen(
            [*ONEFOLD, "up", *options],
            cwd=code.home if code else None,
            env={
                **os.environ,
                **(code.environment if code else {}),
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

    @property
    def key(self) -> str:
        """The API key that it printed."""
        key = re.search(r"of_[\w-]{43}", self.output)
        assert key, self.output
        return key[0]

    def post(self, **changes: Any) -> None:
        """Send `EVENT` with these changes."""
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.post(self._url("events"), json=EVENT | changes, headers=headers, timeout=60)
        assert answer.status_code == 202, answer.text

    def contact(self, uid: str = EVENT["contact"]["uid"]) -> httpx.Response:
        """What is known of the contact of `EVENT`, or of another one beside it."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.get(self._url(f"contacts/web/shop/{uid}"), headers=headers, timeout=60)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/v1/{path}"

    def close(self) -> None:
        if self.process.poll() is None:
            self.end()
        self._file.close()
