"""Contenders that time themselves: a module run as a process, which writes its events/s to a file."""

import asyncio
import sys
import time
from pathlib import Path

from benchmarks.bed import Bed, require_running
from benchmarks.figures import BenchmarkFailed
from services.runtime.settings import Settings

_LOOK_EVERY = 0.2
_WITHIN = 1800.0


async def rate_of(bed: Bed, settings: Settings, module: str, events: int) -> float:
    """Run ``python -m module FILE EVENTS`` and return its events/s. Raises BenchmarkFailed."""
    result = bed.home / "rate"
    result.unlink(missing_ok=True)
    deadline = time.monotonic() + _WITHIN
    with bed.process(settings, module.rsplit(".", 1)[-1], "-m", module, str(result), str(events)) as process:
        while not result.exists():
            require_running(process)
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"{module} did not come to an end within {_WITHIN:.0f} s")
            await asyncio.sleep(_LOOK_EVERY)
    return float(result.read_text())


def arguments() -> tuple[Path, int]:
    """In the child: return the file for the rate, and the number of events to wait for."""
    path, events = sys.argv[1:]
    return Path(path), int(events)


def report_rate(path: Path, events: int, seconds: float) -> None:
    """In the child: write the rate for the parent, in one rename."""
    half = path.with_suffix(".half")
    half.write_text(repr(events / seconds))
    half.rename(path)
