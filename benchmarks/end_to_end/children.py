"""Contenders that time themselves: a module run as a process, which writes its events/s to a file."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

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


def run_child(contender: Callable[[Settings, int], Awaitable[float]]) -> None:
    """In the child: run what returns the seconds that so many events took, and write the rate for the parent."""
    path, events = Path(sys.argv[1]), int(sys.argv[2])

    async def timed() -> float:
        return await contender(Settings(), events)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seconds = runner.run(timed())
    half = path.with_suffix(".half")
    half.write_text(repr(events / seconds))
    half.rename(path)
