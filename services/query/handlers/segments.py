"""Answers about a tenant's segments: what they are, what they were, and how many customers they have."""

from functools import partial
from typing import Any, Final

from projections.customers.search import queries
from projections.customers.search.costs import TooDear
from projections.customers.search.filters import parse
from projections.customers.search.rewriting import Unsearchable
from projections.customers.search.time_limit import within_time
from projections.segments.queries import SegmentVersion, segments_after, segments_named, sizes_of, versions_of
from projections.segments.searching import check_cost, filter_of, search_of
from schemas.events.base import LATEST_MS
from services.query.core import cursors, search_views
from services.query.core.errors import NotFound
from services.query.core.search_models import Total
from services.query.core.segment_models import (
    SegmentChange,
    SegmentDetail,
    SegmentHistory,
    SegmentPage,
    SegmentSizeOnDay,
    SegmentSizes,
    SegmentView,
)
from services.query.handlers.customer_lookup import CustomerLookup
from services.query.handlers.quota import DaySpan
from services.query.handlers.search import counted
from services.query.handlers.search_indexes import SearchIndexes, unless_outrun
from services.query.handlers.snapshots import Snapshot, snapshot
from services.query.ports import ReadModels

NO_SEGMENT: Final = "There is no such segment."
_BEYOND_ALL: Final = (LATEST_MS + 1, "")


class SegmentReader:
    """Answers for one tenant at a time. Every method raises ReadModelsUnavailable."""

    def __init__(self, read_models: ReadModels, lookup: CustomerLookup, indexes: SearchIndexes) -> None:
        self._read_models = read_models
        self._lookup = lookup
        self._indexes = indexes

    async def page(self, tenant: str, after: str, limit: int) -> SegmentPage:
        """The next segments after an id."""
        async with snapshot(self._read_models, tenant) as moment:
            found = await segments_after(moment.connection, tenant, after, limit + 1)
        views = [_view(one) for one in found[:limit]]
        return SegmentPage(segments=views, next=views[-1].segment if len(found) > limit else None)

    async def one(self, tenant: str, segment: str, now: int, *, exact: bool) -> SegmentDetail:
        """A segment, and how many customers it has at the moment ``now``. Raises NotFound."""
        return await unless_outrun(partial(self._one, tenant, segment, now, exact))

    async def _one(self, tenant: str, segment: str, now: int, exact: bool, by_index: bool) -> SegmentDetail:  # noqa: FBT001 - of `unless_outrun`
        async with snapshot(self._read_models, tenant) as moment:
            saved = (await segments_named(moment.connection, tenant, [segment])).get(segment)
            if saved is None or saved.deleted:
                raise NotFound(NO_SEGMENT)
            total, problem = await self._total(moment, segment, now, exact=exact, by_index=by_index)
            composed = await queries.composed(moment.connection, tenant)
        view = _view(saved).model_copy(update={"problem": problem})
        return SegmentDetail(segment=view, total=total, as_of=search_views.as_of(composed, now))

    async def history(self, tenant: str, segment: str, cursor: str | None, limit: int) -> SegmentHistory:
        """What was saved of a segment, deleted ones too. Raises NotFound and BadCursor."""
        before = _BEYOND_ALL if cursor is None else cursors.read_version(cursor)
        async with snapshot(self._read_models, tenant) as moment:
            found = await versions_of(moment.connection, tenant, segment, before, limit + 1)
        if not found and cursor is None:
            raise NotFound(NO_SEGMENT)
        versions = [SegmentChange(**_fields(one), deleted=one.deleted) for one in found[:limit]]
        last = versions[-1] if len(found) > limit else None
        return SegmentHistory(versions=versions, next=last and cursors.write_version(last.saved_at, last.event_id))

    async def sizes(self, tenant: str, segment: str, span: DaySpan) -> SegmentSizes:
        """How many customers a segment had on days, a deleted one too. Raises NotFound."""
        async with snapshot(self._read_models, tenant) as moment:
            if segment not in await segments_named(moment.connection, tenant, [segment]):
                raise NotFound(NO_SEGMENT)
            found = await sizes_of(moment.connection, tenant, segment, span.first, span.last)
        return SegmentSizes(sizes=[SegmentSizeOnDay.model_validate(one._asdict()) for one in found])

    async def _total(
        self, moment: Snapshot, segment: str, now: int, *, exact: bool, by_index: bool
    ) -> tuple[Total | None, str | None]:
        """How many customers there are, or why that can't be said."""
        node, policy = parse({"segment": segment}), self._lookup.policy_in(moment)
        try:
            search = await search_of(moment.connection, moment.resolution, policy, node, now)
            counts = await check_cost(moment.connection, search)
            await queries.plan_for_values(moment.connection)
            async with within_time(moment.connection):
                if by_index and counts.total is None:
                    number = await self._indexes.ask(
                        moment.connection, search, counts.customers, lambda found: found.total
                    )
                    counts = counts._replace(total=number)
                return await counted(moment, search, counts, exact=exact), None
        except (Unsearchable, TooDear) as error:
            return None, str(error)


def _view(one: SegmentVersion) -> SegmentView:
    return SegmentView(**_fields(one))


def _fields(one: SegmentVersion) -> dict[str, Any]:
    read = None if one.deleted else filter_of(one)
    return {
        "segment": one.segment,
        "name": one.name,
        "names": dict(one.names) or None,
        "filter": one.filter,
        "by": one.by,
        "saved_at": one.saved_at,
        "event_id": one.event_id,
        "problem": str(read) if isinstance(read, Unsearchable) else None,
    }
