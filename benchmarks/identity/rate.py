"""How many events of evidence are resolved a second, on an empty generation, in components of up to 30 contacts.

A brand's evidence has one writer. With several brands, the worker resolves one's evidence while PostgreSQL writes
another's; with one brand each waits for the other. What that costs is the ratio of the rates of one brand and of four
brands *of the same size*, each with the same households as the one.

The eight brands have as many contacts between them as the one brand has. Their rate is no measure of what a brand alone
lacks: a chunk has so many events whatever the brand's size, so a chunk of a small brand has more events of the same
household, which is loaded, decided and saved once for all of them. It is measured beside COPY of what it comes to
(`benchmarks.identity.copied`), one process beside one, and beside itself with a worker for each processor
(`benchmarks.identity.several_workers`). All other figures are of one worker.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from benchmarks.bed import Bed, reading
from benchmarks.checks import require_evidence_balance, require_membership
from benchmarks.figures import Figure, Ratio, Round, Size
from benchmarks.identity import copied, several_workers
from benchmarks.identity.households import Timed, evidence, household, households_of
from benchmarks.worker import folding
from schemas.topics import IDENTITY_EVIDENCE
from services.runtime.settings import Settings

FIGURES: Final = (
    Figure("identity_events_per_s", "evidence resolved, of eight small brands", "events/s", at_least=5_000),
    Figure("identity_four_brands_events_per_s", "… of four large brands", "events/s"),
    Figure("identity_one_brand_events_per_s", "… of one of these", "events/s"),
    Figure(
        "identity_one_brand_ratio",
        "one large brand beside four",
        "times",
        at_least=0.85,
        ratio=Ratio("identity_one_brand_events_per_s", "identity_four_brands_events_per_s"),
    ),
    Figure("identity_cpu_us_an_event", "one large brand, processor time of the worker", "µs/event"),
    Figure("identity_copied_events_per_s", "COPY of the eight brands' statements and members", "events/s"),
    Figure(
        "identity_ratio_to_copy",
        "evidence resolved, to COPY",
        "times",
        at_least=0.25,
        ratio=Ratio("identity_events_per_s", "identity_copied_events_per_s"),
    ),
    Figure("identity_workers_events_per_s", "evidence of eight small brands, a worker a processor", "events/s"),
    Figure(
        "identity_workers_ratio",
        "a worker a processor beside one worker",
        "times",
        ratio=Ratio("identity_workers_events_per_s", "identity_events_per_s"),
    ),
)
_CPU: Final = FIGURES[4].key
_COPIED: Final = FIGURES[5].key
_SEVERAL_WORKERS: Final = FIGURES[7].key


class _Load(NamedTuple):
    """Evidence about so many brands; ``shared``: they divide the households among them, else each has all of them."""

    brands: int
    shared: bool = False

    def records(self, households: int) -> Iterator[Timed]:
        for number in range(households):
            for brand in [number % self.brands] if self.shared else range(self.brands):
                yield from household(number, f"brand-{brand}")


_LOADS: Final = {
    FIGURES[0].key: _Load(8, shared=True),
    FIGURES[1].key: _Load(4),
    FIGURES[2].key: _Load(1),
}


class IdentityRate:
    """Each round folds the same logs of evidence, each into an empty generation."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._rounds = self._contacts = 0
        self._events: dict[str, int] = {}

    async def prepare(self, bed: Bed, size: Size) -> None:
        """Fill the logs."""
        self._rounds, self._contacts = size.rounds, 2 * size.contacts
        for key, load in _LOADS.items():
            records = load.records(households_of(self._contacts))
            with bed.console.status("Putting evidence into the log …"):
                self._events[key] = await bed.fill_log(_prefix(load), evidence(records), IDENTITY_EVIDENCE)

    async def measure(self, bed: Bed, number: int) -> Round:
        """From the assignment of the partitions to the commit of the last event; see `benchmarks.worker`."""
        found: dict[str, float] = {}
        for key, load in _LOADS.items():
            found |= await self._rates(bed, key, load, number)
        return found | {_SEVERAL_WORKERS: await self._several_workers(bed, number)}

    async def _several_workers(self, bed: Bed, number: int) -> float:
        load = _LOADS[FIGURES[0].key]
        records = evidence(load.records(households_of(self._contacts)))
        name = f"identity_workers_{number}"
        async with bed.generation(name, f"bench-{name}") as settings:  # a log of its own, empty at first
            with bed.console.status("Identity, a worker a processor …"):
                rate = await several_workers.run(bed, settings, records)
            await self._check(settings, len(records), number)
        return rate

    async def _rates(self, bed: Bed, key: str, load: _Load, number: int) -> Round:
        events = self._events[key]
        async with bed.generation(f"identity{load.brands}_{number}", _prefix(load)) as settings:
            with bed.console.status(f"Identity: {events:,} events of evidence …"):
                async with folding(bed, settings) as folded:
                    found = {key: events / folded.seconds}
            await self._check(settings, events, number)
            if load.brands == 1:
                found[_CPU] = folded.cpu_seconds / events * 1_000_000
            if load.shared:
                found[_COPIED] = await copied.run(bed, settings, events)
        return found

    async def _check(self, settings: Settings, events: int, number: int) -> None:
        async with reading(settings) as connection:
            await require_evidence_balance(connection, events)
        if number == self._rounds - 1:
            await require_membership(settings, IDENTITY_EVIDENCE)

    def facts(self) -> Mapping[str, object]:
        """The sizes of the load: the contacts of a large brand, and of all eight small ones."""
        return {"identity_contacts": self._contacts, "identity_events": self._events[FIGURES[2].key]}


def _prefix(load: _Load) -> str:
    return f"bench-identity-{load.brands}"
