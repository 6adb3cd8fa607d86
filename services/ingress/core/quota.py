"""Validates a quota that an administrator sets: an event that occurs now."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from schemas.codec import InvalidEvent
from schemas.events.base import Frozen, Word
from services.ingress.core.events import EventResult, Rejected, RequestContext, parse, validate_event
from services.ingress.core.requests import Refused, read

_MOST: Final = 1_000_000_000_000


class QuotaRequest(Frozen):
    """A limit to set. It is in force at once, over all history."""

    limit: Annotated[int, Field(ge=0, le=_MOST, strict=True)]
    unit: Literal["contacts", "customers"] = Field("contacts", description="What it counts.")
    event_id: Word | None = Field(None, description="Your own id of this change.")


def validate_quota(raw: bytes, context: RequestContext) -> EventResult:
    """The event of the quota in a body, or why there is none; nothing is raised, whatever the bytes."""
    try:
        request = read(QuotaRequest, parse(raw), "a request to set the quota")
    except InvalidEvent as error:
        return Rejected(0, error.reason, error.detail)
    except Refused as refusal:
        return Rejected(0, refusal.reason, refusal.detail, refusal.field)
    event: dict[str, Any] = {
        "type": "tenant.quota_set",
        "occurred_at": context.received_at,
        "event_id": request.event_id,
        "data": request.model_dump(include={"limit", "unit"}),
    }
    return validate_event(event, 0, context)
