"""The benchmarks there are, in the order in which they run."""

from benchmarks.end_to_end.benchmark import EndToEnd
from benchmarks.figures import Benchmark


def benchmarks() -> list[Benchmark]:
    """A new one of each."""
    return [EndToEnd()]
