"""Decisions of staff about two contacts: each is an event of the first contact that occurs now.

Without an ``event_id``, the id is derived from the decision and its time, so the same decision later is a new event.
"""

from typing import Any, Final, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from schemas.codec import InvalidEvent
from schemas.events import ContactRef
from schemas.events.base import Frozen, Text, Word
from services.ingress.core.events import EventResult, Rejected, RequestContext, parse, validate_event
from services.ingress.core.requests import ContactFromKey, Refused, read

_RENAMED: Final = {"contact": "a", "data.other": "b", "data.decision": "decision", "data.by": "by", "data.note": "note"}


class DecisionRequest(Frozen):
    """Whether two contacts are one person; ``undecided`` takes an earlier decision back."""

    a: ContactFromKey
    b: ContactFromKey
    decision: Literal["same", "different", "undecided"]
    by: Word = Field(description="Who decided.")
    note: Text | None = Field(None, description="Why.")
    event_id: Word | None = Field(None, description="Your own id of this decision.")

    @field_validator("b")
    @classmethod
    def _another_contact(cls, other: ContactRef, known: ValidationInfo) -> ContactRef:
        if other == known.data.get("a"):
            raise PydanticCustomError("same_contact", "a decision is about two contacts")
        return other


def validate_decision(raw: bytes, context: RequestContext) -> EventResult:
    """The event of the decision in a body, or why there is none; nothing is raised, whatever the bytes."""
    try:
        decision = read(DecisionRequest, parse(raw), "a decision")
    except InvalidEvent as error:
        return Rejected(0, error.reason, error.detail)
    except Refused as refusal:
        return Rejected(0, refusal.reason, refusal.detail, refusal.field)
    data = {"other": decision.b.model_dump()} | decision.model_dump(
        include={"decision", "by", "note"}, exclude_none=True
    )
    event: dict[str, Any] = {
        "contact": decision.a.model_dump(),
        "type": "identity.decided",
        "occurred_at": context.received_at,
        "event_id": decision.event_id,
        "data": data,
    }
    outcome = validate_event(event, 0, context)
    return _in_its_words(outcome) if isinstance(outcome, Rejected) else outcome


def _in_its_words(outcome: Rejected) -> Rejected:
    """The event's refusal, with the names of the decision's fields."""
    for theirs, ours in _RENAMED.items():
        if outcome.field == theirs or outcome.field.startswith(f"{theirs}."):
            return Rejected(0, outcome.reason, outcome.detail, ours)
    return outcome
