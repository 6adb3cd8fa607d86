"""The worker and the HTTP service as child processes: how they are started, and when they are ready."""

import os
import sys
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import httpx
from pydantic import SecretStr

from services.embedded.process import Lease, Process, Program
from services.runtime.settings import Settings

CLI = ("-c", "from services.cli import app; app()")
_READY_WITHIN = 180.0  # s; one that ends is noticed at once


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment in which a process reads exactly these settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ONEFOLD_")}
    return inherited | {f"ONEFOLD_{name.upper()}": _text(value) for name, value in settings if value is not None}


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def start_worker(  # noqa: PLR0913 - what makes a worker
    settings: Settings, logs: Path, lease: Lease, *, generation: str = "", name: str = "worker", nice: int = 0
) -> Process:
    """Start a worker, of the active generation or of a named one; it is not ready yet. ``name`` is that of its log.

    With a ``nice`` above 0 it leaves the processors to others who want them.
    """
    of_generation = ("--generation", generation) if generation else ()
    return _start("The worker", (*CLI, "worker", *of_generation), settings, logs / f"{name}.log", lease, nice)


def start_http(settings: Settings, logs: Path, lease: Lease) -> Process:
    """Start ingress and query behind one port; they are not ready yet."""
    return _start("The HTTP service", ("-m", "services.embedded.http"), settings, logs / "http.log", lease)


def await_ready(process: Process, host: str, port: int) -> None:
    """Wait until the process answers that it is ready. Raises `CannotStart`."""
    process.await_ready(lambda: _is_ready(f"http://{host}:{port}/readyz"), _READY_WITHIN)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _start(  # noqa: PLR0913, PLR0917 - what makes a program
    title: str, arguments: tuple[str, ...], settings: Settings, log: Path, lease: Lease, nice: int = 0
) -> Process:
    return Process(Program(title, (sys.executable, *arguments), log, env=environment(settings), nice=nice), lease)


def reachable_host(host: str) -> str:
    """Return where a service that listens on `host` can be reached; for a wildcard that is the loopback address."""
    try:
        address = ip_address(host)
    except ValueError:  # a name
        return host
    if isinstance(address, IPv6Address):
        return "[::1]" if address.is_unspecified else f"[{host}]"
    return "127.0.0.1" if address.is_unspecified else host
