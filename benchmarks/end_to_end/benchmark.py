"""The end-to-end benchmark: fill the log, let each contender fold it, compare."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import Final

from benchmarks.bed import Bed, KeyAndValue
from benchmarks.end_to_end import bare, ours, sealed, stock, without_rows
from benchmarks.figures import Figure, Ratio, Round, Size
from services.runtime.settings import Settings
from tests.support.workload import workload

FIGURES: Final = (
    Figure("events_per_s", "Onefold, every read model", "events/s", at_least=15_000),
    Figure("bare_events_per_s", "bare pipeline, without identity", "events/s"),
    Figure("stock_events_per_s", "stock Faust and ORM, without identity", "events/s"),
    Figure("ratio_to_stock", "to stock", "times", 50, ratio=Ratio("events_per_s", "stock_events_per_s")),
    Figure("ratio_to_bare", "to bare", "times", 0.6, ratio=Ratio("events_per_s", "bare_events_per_s")),
    Figure("without_rows_events_per_s", "Onefold without customer rows and quota", "events/s"),
    Figure(
        "customer_rows_ratio",
        "what customer rows and quota cost",
        "times",
        at_most=1.25,
        ratio=Ratio("without_rows_events_per_s", "events_per_s"),
    ),
    Figure("sealed_events_per_s", "Onefold on a sealed log", "events/s"),
    Figure("cpu_us_an_event", "Onefold, processor time of the worker", "µs/event"),
    Figure("sealed_cpu_us_an_event", "on a sealed log, processor time of the worker", "µs/event"),
    Figure(
        "sealing_ratio",
        "what sealing costs, processor time",
        "times",
        at_most=1.15,
        ratio=Ratio("sealed_cpu_us_an_event", "cpu_us_an_event"),
    ),
    Figure("folded_in_s", "Onefold, the whole run", "s"),
    Figure("rows_current_after_s", "customer rows current after the last event is folded", "s"),
    Figure(
        "rows_current_after_share",
        "customer rows current after the last event is folded",
        "of the run",
        ratio=Ratio("rows_current_after_s", "folded_in_s"),
    ),
)
_SEED: Final = 1
_WHOLE, _PREFIX = "bench", "bench-prefix"
_PREFIX_SHARE: Final = 40  # stock Faust is slow, so it gets the first fortieth of the events
_LEAST_PREFIX: Final = 1000
_RateOf = Callable[[Bed, Settings, int], Awaitable[float]]  # events/s
_Contender = Callable[[Bed, Settings, int], Awaitable[Round]]


class EndToEnd:
    """See the package. Stock Faust is measured over the log's first events only; its tables are checked, too."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._size = Size(0, 0, 0)
        self._prefix_events = 0

    async def prepare(self, bed: Bed, size: Size) -> None:
        """Put the first events into a log of their own, for stock Faust."""
        self._size, self._prefix_events = size, max(_LEAST_PREFIX, size.events // _PREFIX_SHARE)
        await bed.fill_log(_PREFIX, islice(self._events(), self._prefix_events))

    def _events(self) -> Iterator[KeyAndValue]:
        return workload(self._size.events, self._size.contacts, _SEED)

    async def measure(self, bed: Bed, number: int) -> Round:
        """Run each contender once, each time beginning with another one."""
        last = number == self._size.rounds - 1
        whole = f"{_WHOLE}{number}"  # a new log each round: the evidence topic of the last one is full
        with bed.console.status(f"Putting {self._size.events:,} events into the log …"):
            await bed.fill_log(whole, self._events())
        contenders: list[tuple[str, _Contender, str, int]] = [
            ("ours", ours.checked if last else ours.run, whole, self._size.events),
            (
                "stock",
                _as_round("stock_events_per_s", stock.checked if last else stock.run),
                _PREFIX,
                self._prefix_events,
            ),
            ("bare", _as_round("bare_events_per_s", bare.run), whole, self._size.events),
            ("without_rows", _as_round("without_rows_events_per_s", without_rows.run), whole, self._size.events),
            ("sealed", self._sealed, f"{whole}-sealed", self._size.events),
        ]
        first = number % len(contenders)
        found: dict[str, float] = {}
        for name, contender, prefix, events in contenders[first:] + contenders[:first]:
            found |= await _one(bed, f"{name}_{number}", contender, prefix, events)
        return found

    async def _sealed(self, bed: Bed, settings: Settings, events: int) -> Round:
        return await sealed.run(bed, settings, self._events(), events)

    def facts(self) -> dict[str, object]:
        """The sizes of the load."""
        return {"events": self._size.events, "contacts": self._size.contacts, "stock_events": self._prefix_events}


def _as_round(key: str, rate_of: _RateOf) -> _Contender:
    async def measured(bed: Bed, settings: Settings, events: int) -> Round:
        return {key: await rate_of(bed, settings, events)}

    return measured


async def _one(bed: Bed, name: str, contender: _Contender, prefix: str, events: int) -> Round:
    async with bed.generation(name, prefix) as settings:
        with bed.console.status(f"{name}: {events:,} events …"):
            return await contender(bed, settings, events)
