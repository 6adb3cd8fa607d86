"""Answers which generations of the read models there are, and how far each is."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from services.control.generations import GenerationProgress
from services.control.lag import Lag
from services.query.core.generation_models import GenerationList, GenerationView, LagView, PartitionView
from services.query.ports import ReadModelsUnavailable
from services.runtime.caching import LookupCache
from services.runtime.database import is_unavailable

T = TypeVar("T")
_EVERYTHING: Final = "everything"
_WITHIN: Final = 5.0  # seconds; the log's ends are asked for


class Generations:
    """Lists generations, and says how far the active one is behind.

    ``load`` and ``lag`` are called at most once in two seconds each, however many ask.
    """

    def __init__(
        self, load: Callable[[], Awaitable[Sequence[GenerationProgress]]], lag: Callable[[], Awaitable[Lag]]
    ) -> None:
        self._load = load
        self._lag = _cache(lag)
        self.forget()

    def forget(self) -> None:
        """Load the generations anew when they are asked for next: call it when one was changed."""
        self._cache = _cache(self._load)

    async def all(self) -> GenerationList:
        """Every generation, the oldest first. Raises ReadModelsUnavailable."""
        return GenerationList(generations=[_view(one) for one in await _found(self._cache)])

    async def lag(self) -> LagView:
        """How far each agent of the active generation is behind. Raises ReadModelsUnavailable."""
        found = await _found(self._lag)
        return LagView(
            contacts=found.contacts,
            identity=found.identity,
            customer_rows=found.rows,
            customer_rows_seconds=found.rows_seconds,
            changes=found.changes,
            changes_seconds=found.changes_seconds,
        )


def _cache(load: Callable[[], Awaitable[T]]) -> LookupCache[str, T]:
    async def of(_: str) -> T:
        return await load()

    return LookupCache(of, timeout=_WITHIN, timeout_with_answer=_WITHIN, stale_if_error=0.0)


async def _found(cache: LookupCache[str, T]) -> T:
    try:
        found = await cache.get(_EVERYTHING)
    except Exception as error:
        if not is_unavailable(error):
            raise
        raise ReadModelsUnavailable(ReadModelsUnavailable.__doc__) from error
    if found is None:
        raise ReadModelsUnavailable(ReadModelsUnavailable.__doc__)
    return found


def _view(one: GenerationProgress) -> GenerationView:
    return GenerationView(
        name=one.name,
        state=one.state,
        readable=one.same_code and one.read_models is None,
        created_at=_ms(one.created_at),
        activated_at=_ms_or_none(one.activated_at),
        caught_up_at=_ms_or_none(one.caught_up_at),
        compared_at=_ms_or_none(one.compared_at),
        as_of=_ms_or_none(one.as_of),
        known_at=_ms_or_none(one.known_at),
        read_models=None if one.read_models is None else list(one.read_models),
        pace=one.pace,
        left_out=one.left_out,
        changes_topic=one.changes,
        folded=one.folded,
        records=one.end,
        partitions=[PartitionView(partition=it.partition, folded=it.folded, records=it.end) for it in one.partitions],
    )


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _ms_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else _ms(moment)
