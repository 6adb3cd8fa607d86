"""The metrics of a worker and of the child processes that feed other generations, as one page.

Every series has a label ``generation``. A child that does not answer is left out, and `onefold_generation_fed` is 0.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import httpx
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from services.runtime.metrics import GENERATION_FED

_WITHIN: Final = 2.0  # seconds


class FedGeneration(NamedTuple):
    """A generation that a process feeds: its state, and the local port of a child; None if this process feeds it."""

    state: str
    port: int | None


async def metrics_of(fed: Mapping[str, FedGeneration]) -> bytes:
    """The metrics of all generations, by their names, in Prometheus's text format."""
    async with httpx.AsyncClient(timeout=_WITHIN, trust_env=False) as client:
        children = {name: one.port for name, one in fed.items() if one.port is not None}
        answers = await asyncio.gather(*(_page(client, port) for port in children.values()))
    pages = {name: page for name, page in zip(children, answers, strict=True) if page is not None}
    GENERATION_FED.clear()
    for name, one in fed.items():
        GENERATION_FED.labels(name, one.state).set(one.port is None or name in pages)
    own = {name: generate_latest().decode() for name, one in fed.items() if one.port is None}
    return merged({**own, **pages})


async def _page(client: httpx.AsyncClient, port: int) -> str | None:
    try:
        answer = await client.get(f"http://127.0.0.1:{port}/metrics")
    except httpx.HTTPError:
        return None
    return answer.text if answer.is_success else None


def merged(pages: Mapping[str, str]) -> bytes:
    """One page of several in Prometheus's text format, by generation; the label ``generation`` says whose a series is.

    A series that has the label keeps it.
    """
    families: dict[str, Metric] = {}
    for generation, page in pages.items():
        for family in text_string_to_metric_families(page):
            known = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            known.samples += [one._replace(labels={"generation": generation, **one.labels}) for one in family.samples]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(families.values()))
    return generate_latest(registry)


class _Collected(Collector):
    """Families that were read elsewhere."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """The families."""
        yield from self._families
