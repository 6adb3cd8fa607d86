"""How long profiles, searches and facets take over HTTP, while events are committed at half of the capacity.

Pages of the console are compared with what the API takes for the same. The reference of all others is one look-up of a
customer's row by its primary key, through the same driver, after each request of the same round. The capacity is what a
worker folds of the same events when nothing is asked. The events change the population's own customers, and the
worker's composer brings their rows up to date meanwhile.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from benchmarks.bed import Bed, reading, require_running
from benchmarks.figures import BenchmarkFailed, Figure, Ratio, Round, Size
from benchmarks.identity.hub import percentile
from benchmarks.ingest.caller import Caller, callers, request
from benchmarks.ingest.service import ONE_PORT, serving
from benchmarks.query import pages
from benchmarks.query.asking import FILTERS, asked, facets, named, posted, search
from benchmarks.query.dataset import filled_generation
from benchmarks.query.events import events
from benchmarks.query.population import TENANT
from benchmarks.worker import seconds_to_fold, working
from projections.engine.connection import Connection
from services.control.console_sessions import begin_by_key
from services.control.keys import add_key
from services.control.tenants import add_tenant
from services.embedded.ports import free_port
from services.embedded.process import Process
from services.query.handlers.search_indexes import LEAST_CUSTOMERS
from services.runtime.broker import ensure_topics
from services.runtime.database import open_engine
from services.runtime.settings import Settings

_FILTERS: Final = tuple(Figure(f"query_{name}_p99_ms", f"… {name.replace('_', ' ')}", "ms") for name in FILTERS)
FIGURES: Final = (
    Figure("query_lookup_p50_ms", "one look-up by primary key, p50", "ms"),
    Figure("query_lookup_p99_ms", "one look-up by primary key, p99", "ms"),
    Figure("query_profile_p50_ms", "a profile, by id, phone, e-mail or member id, p50", "ms"),
    Figure("query_profile_p99_ms", "… p99", "ms"),
    Figure(
        "query_profile_ratio",
        "… to a look-up",
        "times",
        at_most=10,
        ratio=Ratio("query_profile_p99_ms", "query_lookup_p99_ms"),
    ),
    Figure("query_filter_p50_ms", "the first page of a filter, with its total, p50", "ms"),
    Figure("query_filter_p99_ms", "… p99 of all filters", "ms"),
    Figure(
        "query_filter_ratio",
        "… to a look-up",
        "times",
        at_most=40,
        ratio=Ratio("query_filter_p99_ms", "query_lookup_p99_ms"),
    ),
    *_FILTERS,
    Figure("query_facets_p50_ms", "four facets of a filter, p50", "ms"),
    Figure("query_facets_p99_ms", "… p99", "ms"),
    Figure(
        "query_facets_ratio",
        "… to a look-up",
        "times",
        at_most=300,
        ratio=Ratio("query_facets_p99_ms", "query_lookup_p99_ms"),
    ),
    *pages.FIGURES,
)
_NAME: Final = "query"
_LOOK_UP: Final = "SELECT customer_id, name FROM customer_rows WHERE tenant = $1 AND customer_id = $2"
_IDS: Final = "SELECT customer_id FROM customer_rows ORDER BY tenant, customer_id LIMIT 10000"  # hashes: any
_NAMES: Final = ("id", "phone", "email", "member")
_EACH: Final = 60  # requests of each kind a round
_SEARCHES: Final = re.compile(r'^onefold_searches_total\{evaluator="(\w+)"\} (\S+)$', re.MULTILINE)
_INDEXED_WITHIN: Final = 300.0  # seconds
_LOOK_EVERY: Final = 0.5
_REFUSED: Final = "refused"
_ANY_RATE: Final = 1_000_000.0  # one key asks everything
_TOO_DEAR: Final = 422
_ANSWERED: Final = {200, 404, 409}  # a number may be nobody's


class WantedRequest(NamedTuple):
    """A request of a kind."""

    kind: str
    request: bytes


class QueryRate:
    """Each round asks everything in an order by chance."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._size = Size(0, 0, 0)
        self._settings: Settings | None = None
        self._key = ""
        self._session = ""
        self._capacity = 0.0
        self._refused = 0
        self._answered = Counter[str]()

    async def prepare(self, bed: Bed, size: Size) -> None:
        """Make the population, and measure the capacity."""
        self._size = size
        settings = await filled_generation(bed, _NAME, size.customers, size.kept)
        self._settings = settings.model_copy(update={"port": free_port(), "key_rate": _ANY_RATE})
        await ensure_topics(settings)
        async with open_engine(settings.database_url) as engine:
            await add_tenant(engine, TENANT)
            self._key = await add_key(engine, TENANT, ["customers:read"])
            self._session = await begin_by_key(engine, self._key)
        number = max(size.events // 4, 1_000)
        await bed.fill_log(settings.topic_prefix, islice(events(size.customers, 1), number))
        with bed.console.status("Measuring the capacity …"):
            self._capacity = number / await seconds_to_fold(bed, settings)

    async def measure(self, bed: Bed, number: int) -> Round:
        """Raises BenchmarkFailed if a request is refused."""
        settings = self._settings
        assert settings is not None
        chance = Random(number)
        wanted = await self._wanted(settings, chance)
        async with serving(bed, settings, ONE_PORT, "query"), callers(settings.port, 1) as [caller]:
            if self._size.customers >= LEAST_CUSTOMERS:
                with bed.console.status("Loading the search index …"):
                    await self._until_indexed(caller)
            before = await _answered(caller)
            with working(bed, settings), self._events(bed, settings) as sender:
                async with reading(settings) as connection:
                    taken = await _ask(wanted, caller, await _LookUp.of(connection, chance), sender)
            self._answered += await _answered(caller) - before
        self._refused += len(taken[_REFUSED])
        return _round(taken)

    async def _until_indexed(self, caller: Caller) -> None:
        """Search until the index answers. Raises BenchmarkFailed if it does not come."""
        anybody = orjson.dumps({"filter": {"contacts": {"gte": 2}}, "limit": 1})
        until = time.monotonic() + _INDEXED_WITHIN
        while not (await _answered(caller))["index"]:
            if time.monotonic() > until:
                raise BenchmarkFailed("the search index was not loaded in time")
            await caller.call(posted("/v1/customers/search", anybody, self._key))
            await asyncio.sleep(_LOOK_EVERY)

    def _events(self, bed: Bed, settings: Settings) -> AbstractContextManager[Process]:
        """Events at half of the capacity."""
        arguments = (settings.topic_prefix, str(self._size.customers), str(self._capacity / 2))
        return bed.process(settings, "events", "-m", "benchmarks.query.events", *arguments)

    async def _wanted(self, settings: Settings, chance: Random) -> list[WantedRequest]:
        async with reading(settings) as connection:
            rows = await connection.fetch(_IDS)
        ids = [str(row[0]) for row in rows]
        if not ids:
            raise BenchmarkFailed("there are too few customers")
        customers = self._size.customers
        made = [
            WantedRequest(
                "profile",
                asked(
                    f"/v1/customers/{chance.choice(ids) if name == 'id' else named(chance, name, customers)}", self._key
                ),
            )
            for name in _NAMES
            for _ in range(_EACH)
        ]
        for kind in FILTERS:
            made += [
                WantedRequest(kind, posted("/v1/customers/search", search(chance, kind), self._key))
                for _ in range(_EACH)
            ]
        made += [
            WantedRequest("facets", posted("/v1/customers/facets", facets(chance), self._key)) for _ in range(_EACH)
        ]
        made += map(WantedRequest._make, pages.compared(chance, ids, self._key, self._session))
        chance.shuffle(made)
        return made

    def facts(self) -> Mapping[str, object]:
        """The size of the population, and the load meanwhile."""
        return {
            "query_customers": self._size.customers,
            "query_events_per_s": int(self._capacity / 2),
            "query_refused_as_too_dear": self._refused,
            "query_answered_by_index": self._answered["index"],
            "query_answered_by_postgresql": self._answered["postgresql"],
            "query_capacity_events_per_s": int(self._capacity),
        }


async def _answered(caller: Caller) -> Counter[str]:
    """How many searches were answered so far, by what evaluated them."""
    page = (await caller.call(request("GET", "/metrics", {}))).body.decode()
    return Counter({evaluator: int(float(number)) for evaluator, number in _SEARCHES.findall(page)})


class _LookUp:
    """Looks up customers by chance."""

    def __init__(self, statement: Any, ids: Sequence[UUID], chance: Random) -> None:
        self._statement, self._ids, self._chance = statement, ids, chance

    @classmethod
    async def of(cls, connection: Connection, chance: Random) -> "_LookUp":
        ids = [row[0] for row in await connection.fetch(_IDS)]
        return cls(await connection.prepare(_LOOK_UP), ids, chance)

    async def one(self) -> None:
        """Look up one."""
        await self._statement.fetchrow(TENANT, self._chance.choice(self._ids))


async def _ask(
    wanted: Sequence[WantedRequest], caller: Caller, lookup: _LookUp, sender: Process
) -> dict[str, list[float]]:
    """How long each took, in ms, by kind; with a look-up after each."""
    taken: dict[str, list[float]] = {_REFUSED: []}
    for one in wanted:
        began = time.perf_counter()
        response = await caller.call(one.request)
        answered = time.perf_counter()
        await lookup.one()
        taken.setdefault(one.kind, []).append((answered - began) * 1000)
        taken.setdefault("lookup", []).append((time.perf_counter() - answered) * 1000)
        require_running(sender)
        if response.status == _TOO_DEAR:
            taken[_REFUSED].append(taken[one.kind].pop())
        elif response.status not in _ANSWERED:
            raise BenchmarkFailed(f"{one.kind} was answered with {response.status}: {response.body[:300]!r}")
    return taken


def _round(taken: Mapping[str, Sequence[float]]) -> Round:
    filters = [one for kind in FILTERS for one in taken[kind]]
    series = {"lookup": taken["lookup"], "profile": taken["profile"], "filter": filters, "facets": taken["facets"]}
    found = {
        f"query_{name}_p{share}_ms": percentile(values, share / 100)
        for name, values in series.items()
        for share in (50, 99)
    }
    return found | {f"query_{kind}_p99_ms": percentile(taken[kind], 0.99) for kind in FILTERS} | pages.medians(taken)
