"""Pages of the console beside the requests of the API that have the same content, by the same customers and filters."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from statistics import median
from typing import Final

import orjson

from benchmarks.figures import Figure, Ratio
from benchmarks.ingest.caller import request
from benchmarks.query.asking import FILTERS, asked, posted
from services.console.core.list_state import ListState
from services.console.http.visits import SESSION_COOKIE


def _compared(name: str, title: str) -> tuple[Figure, Figure, Figure]:
    page, api = f"query_{name}_page_p50_ms", f"query_{name}_api_p50_ms"
    return (
        Figure(api, f"{title}, by the API, p50", "ms"),
        Figure(page, "… as a page of the console, p50", "ms"),
        Figure(f"query_{name}_page_ratio", "… to the API", "times", at_most=2, ratio=Ratio(page, api)),
    )


FIGURES: Final = (*_compared("list", "the first 50 of a filter"), *_compared("profile", "a profile by id"))
_KINDS: Final = ("list_api", "list_page", "profile_api", "profile_page")
_LISTS: Final = 6  # of each filter


def compared(chance: Random, ids: Sequence[str], key: str, session: str) -> Iterator[tuple[str, bytes]]:
    """Requests with their kinds: each list and each profile once by the API, and once as a page."""
    for make in FILTERS.values():
        for _ in range(_LISTS):
            tree = make(chance)
            yield "list_api", posted("/v1/customers/search", orjson.dumps({"filter": tree}), key)
            yield "list_page", _page(ListState(tree).url(), session)
            customer = chance.choice(ids)
            yield "profile_api", asked(f"/v1/customers/{customer}", key)
            yield "profile_page", _page(f"/console/customers/{customer}", session)


def medians(taken: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The figures of a round that are measured."""
    return {f"query_{kind}_p50_ms": median(taken[kind]) for kind in _KINDS}


def _page(path: str, session: str) -> bytes:
    return request("GET", path, {"cookie": f"{SESSION_COOKIE}={session}", "accept": "text/html"})
