"""All benchmarks by name, in the order in which they run."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from benchmarks.end_to_end.benchmark import EndToEnd
from benchmarks.export.rate import ExportRate
from benchmarks.figures import Benchmark
from benchmarks.identity.growth import Growth
from benchmarks.identity.hub import Hub
from benchmarks.identity.rate import IdentityRate
from benchmarks.identity_quality.benchmark import IdentityQuality
from benchmarks.imports.rate import ImportRate
from benchmarks.ingest.rate import IngestRate
from benchmarks.ingest.visible import Visible
from benchmarks.query.rate import QueryRate
from benchmarks.rebuild.rate import RebuildRate

BENCHMARKS: Final[Mapping[str, Callable[[], Benchmark]]] = {
    "end_to_end": EndToEnd,
    "identity": IdentityRate,
    "growth": Growth,
    "hub": Hub,
    "identity_quality": IdentityQuality,
    "ingest": IngestRate,
    "visible": Visible,
    "rebuild": RebuildRate,
    "query": QueryRate,
    "export": ExportRate,
    "import": ImportRate,
}


def benchmarks(only: Collection[str] = ()) -> list[Benchmark]:
    """Return a new instance of each, or of those named. Raises KeyError for an unknown name."""
    if unknown := set(only) - BENCHMARKS.keys():
        raise KeyError(*sorted(unknown))
    return [make() for name, make in BENCHMARKS.items() if not only or name in only]
