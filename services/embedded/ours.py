"""Our own processes: what they are started with, and when they are ready."""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from pydantic import SecretStr

from services.embedded.process import Lease, Process, Program
from services.runtime.settings import Settings

_CLI = ("-c", "from services.cli import app; app()")
_READY_WITHIN = 60.0


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which a process reads exactly these settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ONEFOLD_")}
    return inherited | {f"ONEFOLD_{name.upper()}": _text(value) for name, value in settings if value is not None}


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def start_worker(settings: Settings, logs: Path, lease: Lease) -> Process:
    """A worker, not ready yet."""
    return _start("The worker", (*_CLI, "worker"), settings, logs / "worker.log", lease)


def start_http(settings: Settings, logs: Path, lease: Lease) -> Process:
    """Ingress and query behind one port, not ready yet."""
    return _start("The HTTP service", ("-m", "services.embedded.http"), settings, logs / "http.log", lease)


def await_ready(process: Process, host: str, port: int) -> None:
    """Waits until the process says that it is ready. Raises `CannotStart`."""
    process.await_ready(lambda: _says_ready(f"http://{host}:{port}/readyz"), _READY_WITHIN)


def _says_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # always http, always our own
            return bool(answer.status == 200)  # noqa: PLR2004  # OK
    except (OSError, urllib.error.URLError):
        return False


def _start(title: str, arguments: tuple[str, ...], settings: Settings, log: Path, lease: Lease) -> Process:
    program = Program(title, (sys.executable, *arguments), log, env=environment(settings))
    return Process(program, lease)


def reachable_host(host: str) -> str:
    """Where to ask a service that listens on `host`: a wildcard is no address."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  # only compared
