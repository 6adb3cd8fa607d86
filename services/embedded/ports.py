"""Ports of this machine: which are free, and which were chosen before."""

import json
import random
import socket
from collections.abc import Mapping
from pathlib import Path

from services.embedded.errors import CannotStart, PortBusy

LOOPBACK = "127.0.0.1"
# Below the range of ephemeral ports of Linux and macOS: one of those may be taken by an outgoing connection between the
# check and the server's bind.
_CHOICE = range(20_000, 32_000)
_reserved: list[socket.socket] = []  # open until the process ends


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on the port now. The port is not reserved."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do it, so that connections in TIME_WAIT don't make a port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def require_free(port: int, what: str, setting: str, host: str = LOOPBACK) -> None:
    """Raise `PortBusy` if something listens on the port."""
    if not is_free(port, host):
        raise PortBusy(port, what, setting)


def free_port() -> int:
    """Return a port that is free now, and that no other process chooses here while this one runs.

    Two processes that start servers at the same time would otherwise choose the same port now and then, since neither
    server listens yet. The UDP port of the same number, which none of our servers uses, stands for the choice.
    """
    for port in random.sample(_CHOICE, k=200):
        if is_free(port) and _reserve(port):
            return port
    raise CannotStart("No free port was found between 20000 and 32000 on 127.0.0.1.")


def _reserve(port: int) -> bool:
    """Whether no process has chosen the port yet; it is then chosen by this one until it ends."""
    mark = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        mark.bind((LOOPBACK, port))
    except OSError:
        mark.close()
        return False
    _reserved.append(mark)
    return True


def kept_ports(file: Path, names: tuple[str, ...]) -> Mapping[str, int]:
    """Return a port for each name: the one kept in `file` if it is free, else a new one, which is kept there."""
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
