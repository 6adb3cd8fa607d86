"""Ports of this machine: which are free, and a remembered choice of them."""

import json
import random
import socket
from collections.abc import Mapping
from pathlib import Path

from services.embedded.errors import CannotStart, PortBusy

LOOPBACK = "127.0.0.1"
# Below the range from which Linux and macOS take the local ends of outgoing connections: a port from that range
# may be taken by any connection between our look and the server's bind.
_CHOICE = range(20_000, 32_000)


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on the port now. Nothing keeps it free afterwards."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do it: connections that are merely fading away (TIME_WAIT) don't make a port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def require_free(port: int, what: str, setting: str, host: str = LOOPBACK) -> None:
    """Raises `PortBusy` when something listens there."""
    if not is_free(port, host):
        raise PortBusy(port, what, setting)


def free_port() -> int:
    """Some port nobody listens on."""
    for port in random.sample(_CHOICE, k=200):
        if is_free(port):
            return port
    raise CannotStart("No free port was found between 20000 and 32000 on 127.0.0.1.")


def remembered(file: Path, names: tuple[str, ...]) -> Mapping[str, int]:
    """A port for each name: that of last time while it is still free, else a new one. `file` keeps them."""
    known = _read(file)
    chosen = {name: port if (port := known.get(name)) and is_free(port) else free_port() for name in names}
    if chosen != known:
        file.write_text(json.dumps(known | chosen) + "\n")
    return chosen


def _read(file: Path) -> dict[str, int]:
    try:
        stored = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {name: port for name, port in stored.items() if isinstance(port, int)} if isinstance(stored, dict) else {}
