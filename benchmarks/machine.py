"""A description of the machine, so that figures of different machines are not compared."""

import os
import platform
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil

from benchmarks.bed import Bed, connected

_SYNCS: Final = 50
_PAGE: Final = bytes(8192)


async def describe(bed: Bed) -> dict[str, object]:
    """Return cores, memory, load, disk, and the versions of the servers."""
    async with connected(bed.settings.database_url) as connection:
        names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        postgres = {name: await connection.fetchval(f"SHOW {name}") for name in names}
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cpu": _cpu(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": [round(one, 2) for one in psutil.getloadavg()],
        "system": f"{platform.system()} {platform.release()}",
        "fsync_ms": _fsync_ms(bed.home),
        "broker": bed.broker_name,
        "postgresql": postgres.pop("server_version"),
        **postgres,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _cpu() -> str:
    facts = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", facts.read_text()) if facts.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def _fsync_ms(directory: Path) -> float:
    """Return the median time of an fsync of one page, which no commit can go below."""
    taken = []
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        for _ in range(_SYNCS):
            file.write(_PAGE)
            began = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return round(statistics.median(taken) * 1000, 3)
