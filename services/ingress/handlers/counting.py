"""Counts accepted and refused events, by the entry point they came through."""

from collections import Counter
from collections.abc import Sequence

from schemas.events import EVENT_TYPES, Event
from services.runtime.metrics import INGRESS_REJECTED, INGRESS_UNKNOWN, accepted_by


def count(door: str, accepted: Sequence[Event], reasons: Sequence[str]) -> None:
    """Counted after the acknowledgement: what was not acknowledged was not accepted, and comes again."""
    accepted_by(door).inc(len(accepted))
    unknown = sum(event.type not in EVENT_TYPES for event in accepted)
    if unknown:
        INGRESS_UNKNOWN.labels(door).inc(unknown)
    for reason, number in Counter(reasons).items() if reasons else ():
        INGRESS_REJECTED.labels(door, reason).inc(number)
