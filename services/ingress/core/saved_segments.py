"""Validates a segment that is saved or deleted: an event that occurs now. Its filter is one that searches take."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from projections.customers.search.filters import Filter
from schemas.codec import InvalidEvent
from schemas.events.base import Frozen, Word
from schemas.events.tenant import DisplayNames
from services.ingress.core.events import EventResult, Rejected, RequestContext, parse, validate_event
from services.ingress.core.requests import Refused, read

_EXAMPLE = {"all": [{"tag": "vip"}, {"last_customer": {"before": "-90d"}}]}
_STORED = frozenset({"name", "names", "by"})


class SegmentRequest(Frozen):
    """A segment to save, whole: it takes the place of an earlier one of the same id."""

    name: Word = Field(examples=["沉睡的 VIP"])
    names: DisplayNames | None = None
    filter: Annotated[Filter, Field(description="kept as it is written", examples=[_EXAMPLE])]
    by: Word | None = Field(None, description="Who saves it.")
    event_id: Word | None = Field(None, description="Your own id of this change.")


def validate_segment(segment: str, raw: bytes, context: RequestContext) -> EventResult:
    """The event that saves the segment in a body, or why there is none; nothing is raised, whatever the bytes."""
    try:
        body = parse(raw)
        request = read(SegmentRequest, body, "a segment")
    except InvalidEvent as error:
        return Rejected(0, error.reason, error.detail)
    except Refused as refusal:
        return Rejected(0, refusal.reason, refusal.detail, refusal.field)
    data = request.model_dump(include=set(_STORED), exclude_none=True) | {"filter": body["filter"]}
    return _event({"segment": segment, **data}, request.event_id, context)


def validate_deletion(segment: str, by: str | None, context: RequestContext) -> EventResult:
    """The event that deletes a segment, or why there is none."""
    data = {"segment": segment, "deleted": True} | ({} if by is None else {"by": by})
    return _event(data, None, context)


def _event(data: dict[str, Any], event_id: str | None, context: RequestContext) -> EventResult:
    event = {
        "type": "tenant.segment_saved",
        "occurred_at": context.received_at,
        "event_id": event_id,
        "data": data,
    }
    # Segments are the work of those who write about customers, unlike the other settings.
    outcome = validate_event(event, 0, replace(context, may_set_tenant=True))
    if isinstance(outcome, Rejected):
        return replace(outcome, field=outcome.field.removeprefix("data."))
    return outcome
