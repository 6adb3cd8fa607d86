"""Validates a definition of a custom attribute that an administrator sets: an event that occurs now."""

from typing import Any

from schemas.codec import InvalidEvent
from schemas.events.base import Word
from schemas.events.tenant import AttributeDefinition
from services.ingress.core.events import EventResult, Rejected, RequestContext, parse, validate_event
from services.ingress.core.requests import Refused, read


class AttributeRequest(AttributeDefinition):
    """A definition to set, whole: it takes the place of an earlier one of the same key. ``event_id`` is your own."""

    event_id: Word | None = None


def validate_attribute(raw: bytes, context: RequestContext) -> EventResult:
    """The event of the definition in a body, or why there is none; nothing is raised, whatever the bytes."""
    try:
        request = read(AttributeRequest, parse(raw), "a definition of an attribute")
    except InvalidEvent as error:
        return Rejected(0, error.reason, error.detail)
    except Refused as refusal:
        return Rejected(0, refusal.reason, refusal.detail, refusal.field)
    event: dict[str, Any] = {
        "type": "tenant.attribute_defined",
        "occurred_at": context.received_at,
        "event_id": request.event_id,
        "data": request.model_dump(include=set(AttributeDefinition.model_fields), exclude_none=True),
    }
    return validate_event(event, 0, context)
