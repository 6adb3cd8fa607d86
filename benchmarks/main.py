"""The benchmarks put together: start the servers, run the rounds, show the figures."""

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

import orjson
from rich.console import Console

from benchmarks.bed import Bed, open_bed
from benchmarks.figures import Benchmark, BenchmarkFailed, BenchmarkResult, Size
from benchmarks.machine import describe
from benchmarks.report import as_json as report_json
from benchmarks.report import show, show_round
from services.embedded.errors import EmbeddedError
from services.runtime.settings import Settings

_FAILED = 1
_INTERRUPTED = 130


def run(benchmarks: Sequence[Benchmark], size: Size, *, as_json: bool) -> int:
    """Measure and show; 0 if everything could be measured, whether or not the targets were met."""
    console = Console(stderr=True)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it warns of topics that are being created
    signal.signal(signal.SIGTERM, _stop)
    try:
        with open_bed(Settings(), console) as bed:
            machine, outcomes = asyncio.run(_measure_all(bed, benchmarks, size))
    except (BenchmarkFailed, EmbeddedError) as error:
        console.print(str(error), style="bold red", markup=False, soft_wrap=True)
        return _FAILED
    except KeyboardInterrupt:
        console.print("Stopped.")
        return _INTERRUPTED
    show(console if as_json else Console(), outcomes, machine)
    if as_json:
        sys.stdout.write(orjson.dumps(report_json(outcomes, machine)).decode() + "\n")
    return 0


def _stop(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


async def _measure_all(
    bed: Bed, benchmarks: Sequence[Benchmark], size: Size
) -> tuple[dict[str, object], list[BenchmarkResult]]:
    machine = await describe(bed)
    return machine, [await _measure(one, bed, size) for one in benchmarks]


async def _measure(benchmark: Benchmark, bed: Bed, size: Size) -> BenchmarkResult:
    await benchmark.prepare(bed, size)
    rounds = []
    for number in range(size.rounds):
        rounds.append(await benchmark.measure(bed, number))
        show_round(bed.console, benchmark.figures, rounds[-1], number + 1, size.rounds)
    return BenchmarkResult(benchmark.figures, rounds, benchmark.facts())
