"""The campaigns' part of the life, as lists of whom each is sent to. Pure, and equal each time."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from services.demo.diary import CanonicalEvent

MOST_LINES: Final = 300


def tells(event: CanonicalEvent) -> bool:
    """Whether a campaign's list tells of this event."""
    return bool(event["source"] == "campaigns" and event["data"].get("purpose") == "broadcast")


def send_of(event: CanonicalEvent) -> tuple[str, int]:
    """Which send it belongs to: of what campaign, and when that was sent."""
    return event["data"]["campaign"], event["occurred_at"]


def line(event: CanonicalEvent) -> dict[str, Any]:
    """Whom it is sent to."""
    return {"contact": ":".join(event["contact"][part] for part in ("channel", "account", "uid"))}


def terms(event: CanonicalEvent, story: str) -> dict[str, Any]:
    """What all messages of the send have in common; another story's send has another name."""
    campaign, at = send_of(event)
    return {
        "send_id": f"{campaign}/{at}/{story}",
        "purpose": "broadcast",
        "text": event["data"]["text"],
        "sent_at": at,
    }


def body(head: dict[str, Any], lines: Sequence[dict[str, Any]]) -> bytes:
    """The list with the send's terms in its first line."""
    return b"\n".join(orjson.dumps(one) for one in (head, *lines))
