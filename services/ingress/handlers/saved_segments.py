"""Appends segments that are saved, unless their filter can't be searched with the segments that it names."""

from projections.customers.search.filters import parse
from projections.customers.search.rewriting import Unsearchable, expanded
from schemas.events.tenant import SavedSegment
from services.ingress.core.events import Accepted, EventResult, Rejected, RequestContext
from services.ingress.core.saved_segments import validate_segment
from services.ingress.handlers.identity import take_one
from services.ingress.ports import Log, SegmentReads


async def take_segment(
    segment: str, raw: bytes, context: RequestContext, log: Log, segments: SegmentReads
) -> EventResult:
    """Validate a segment and append it. Raises LogUnavailable."""
    outcome = validate_segment(segment, raw, context)
    if isinstance(outcome, Accepted) and (why := await _unsearchable(outcome, segments)) is not None:
        outcome = Rejected(0, "unsearchable", why, "filter")
    return await take_one("settings", outcome, log)


async def _unsearchable(outcome: Accepted, segments: SegmentReads) -> str | None:
    """Why the segment can't be searched, if that is known: it contains itself, or one that is not there."""
    saved = outcome.event.data
    if not isinstance(saved, SavedSegment):
        return None
    node = parse(saved.filter)
    known = await segments.segments_in(outcome.event.tenant, node)
    if known is None:
        return None
    try:
        expanded(parse({"segment": saved.segment}), {**known, saved.segment: node})
    except Unsearchable as error:
        return str(error)
    return None
