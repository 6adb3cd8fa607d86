"""What a rebuild takes of the machine: memory of its processes, and room of its tables beside the log's.

Memory is the most that each process had resident (``VmHWM``), pages that it shares with others included.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from benchmarks.bed import Bed
from benchmarks.figures import BenchmarkFailed, Figure
from projections.engine.connection import Connection
from schemas.topics import CHANNEL_EVENTS
from services.embedded.process import Process
from services.runtime.cancelling import cancel_all

USAGE: Final = (
    Figure("rebuild_worker_mb", "memory of a rebuild's largest worker, at most", "MB"),
    Figure("rebuild_workers_mb", "the same of all its workers", "MB"),
    Figure("rebuild_command_mb", "the same of the process that builds", "MB"),
    Figure("rebuild_tables_mb", "tables and indexes of the generation that was built", "MB"),
    Figure("rebuild_log_mb", "files of the log that was folded", "MB"),
    Figure("rebuild_postgres_mb", "PostgreSQL's files then, of both generations", "MB"),
)
_MB: Final = 1_000_000
_LOOK_EVERY: Final = 0.5
_SIZE = """
SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind = 'r' AND relnamespace = $1::regnamespace
"""


class PeakMemory:
    """The most memory that the command and each of its workers had, in bytes, by process id."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.command: dict[int, int] = {}
        self.workers: dict[int, int] = {}

    def look(self) -> None:
        """Note it as it is now."""
        if (pid := self._process.pid) is None:
            return
        with suppress(psutil.NoSuchProcess):
            self.command |= _peaks(pid)  # which only paces the others
            for one in psutil.Process(pid).children(recursive=True):
                if "worker" in (words := one.cmdline()):
                    self.workers |= _peaks(one.pid)
                elif "rebuild" in words:
                    self.command |= _peaks(one.pid)

    def figures(self) -> dict[str, float]:
        """What was noted."""
        if not self.command or not self.workers:
            raise BenchmarkFailed("the rebuild ended before its memory was looked at")
        worker, workers = max(self.workers.values()), sum(self.workers.values())
        found = {"worker": worker, "workers": workers, "command": max(self.command.values())}
        return {f"rebuild_{name}_mb": size / _MB for name, size in found.items()}


def _peaks(pid: int) -> dict[int, int]:
    """Empty once the process has ended, or before it runs a program."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return {pid: int(line.split()[1]) * 1024}
    return {}


@asynccontextmanager
async def peak_memory(process: Process) -> AsyncIterator[PeakMemory]:
    """Look at the memory of a rebuild while the block runs."""
    found = PeakMemory(process)

    async def look() -> None:
        while True:
            found.look()
            await asyncio.sleep(_LOOK_EVERY)

    looking = asyncio.create_task(look())
    try:
        yield found
    finally:
        await cancel_all(looking)


async def room(bed: Bed, connection: Connection, generation: str, prefix: str) -> dict[str, float]:
    """The bytes of the generation's tables, of the log's files, and of all files of PostgreSQL, as figures."""
    tables = await connection.fetchval(_SIZE, generation)
    found = {"tables": tables} | _bytes_on_disk(bed.home / "data", CHANNEL_EVENTS.full_name(prefix))
    return {f"rebuild_{name}_mb": size / _MB for name, size in found.items()}


def _bytes_on_disk(data: Path, log: str) -> dict[str, int]:
    partitions = [one for one in data.rglob(f"{log}-*") if one.is_dir()]
    return {"log": sum(map(_bytes_in, partitions)), "postgres": _bytes_in((data / "postgres").resolve())}


def _bytes_in(folder: Path) -> int:
    return sum(_sizes(folder))


def _sizes(folder: Path) -> Iterator[int]:
    """What the files take on the disk; those that go meanwhile are left out."""
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                yield (Path(path) / name).lstat().st_blocks * 512
