"""The till's part of the life, as the records of members that it sends. Pure, and equal each time.

What the till knows of a member at one moment is one record, and several events.
"""

from collections.abc import Sequence
from typing import Any, Final

from services.demo.diary import CanonicalEvent

MOST_RECORDS: Final = 60
# In the order in which a record's events are told.
_ORDER: Final = ("identity.bound", "profile.updated", "tag.added", "attribute.set")


def tells(event: CanonicalEvent) -> bool:
    """Whether a member's record tells of this event."""
    return event["source"] == "pos" and event["type"] in _ORDER


def moment_of(event: CanonicalEvent) -> tuple[str, int]:
    """What is equal for events of one record: whose it is, and when."""
    return event["contact"]["uid"], event["occurred_at"]


def whole(events: Sequence[CanonicalEvent]) -> bool:
    """Whether one record can tell all of it: one name and set of identifiers, and each tag and attribute once."""
    told = [(event["type"], event["data"].get("key"), event["data"].get("tag")) for event in events]
    return len(set(told)) == len(told)


def in_order(events: Sequence[CanonicalEvent]) -> list[CanonicalEvent]:
    """The events in the order in which the record tells them."""
    return sorted(events, key=lambda event: _ORDER.index(event["type"]))


def record(events: Sequence[CanonicalEvent]) -> dict[str, Any]:
    """The record that tells these events."""
    contact = events[0]["contact"]
    said: dict[str, Any] = {
        "member_id": contact["uid"],
        "account": contact["account"],
        "updated_at": events[0]["occurred_at"],
    }
    tags: list[dict[str, Any]] = []
    attributes: dict[str, dict[str, Any]] = {}
    for event in events:
        data = event["data"]
        match event["type"]:
            case "identity.bound":
                said |= {"via": data["via"]} | {one["type"]: one["value"] for one in data["identifiers"]}
            case "profile.updated":
                said |= data
            case "tag.added":
                tags.append(data)
            case _:
                attributes[data["key"]] = {"value": data["value"], "type": data["type"]}
    return said | ({"tags": {"add": tags}} if tags else {}) | ({"attributes": attributes} if attributes else {})
