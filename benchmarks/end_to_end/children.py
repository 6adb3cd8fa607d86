"""Contenders that time themselves: a module run as a process, which leaves its events/s in a file."""

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
    """The events/s of ``python -m module FILE EVENTS``, once it has ended. Raises BenchmarkFailed."""
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


def told() -> tuple[Path, int]:
    """The child's side: where to leave the rate, and how many events to wait for."""
    path, events = sys.argv[1:]
    return Path(path), int(events)


def leave(path: Path, events: int, seconds: float) -> None:
    """Leave the rate for the parent, in one rename."""
    half = path.with_suffix(".half")
    half.write_text(repr(events / seconds))
    half.rename(path)
