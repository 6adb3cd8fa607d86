"""The website's part of the life, as its pages tell it through Segment's API. Pure, and equal each time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from services.demo.diary import CanonicalEvent

MOST_MESSAGES: Final = 40
_TRAITS: Final = frozenset({"email", "phone"})


def tells(event: CanonicalEvent) -> bool:
    """Whether the website itself tells of this event: what is looked at, and who logs in."""
    if event["source"] != "site" or event["contact"]["channel"] != "web":
        return False
    return event["type"] in {"web.tracked", "identity.bound"}


def body(messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One batch's body."""
    return {"batch": list(messages)}


def message(event: CanonicalEvent) -> dict[str, Any]:
    """The event as one call of the SDK's."""
    common = {
        "messageId": event["event_id"].partition(":")[2],
        "anonymousId": event["contact"]["uid"],
        "timestamp": _iso(event["occurred_at"]),
    }
    data = event["data"]
    if event["type"] == "identity.bound":
        return common | _login(data["identifiers"])
    seen = {"context": {"page": {"url": data["url"]}}, "properties": data.get("properties", {})}
    call = {"type": "page"} if data["event"] == "page_viewed" else {"type": "track", "event": data["event"]}
    return common | seen | call


def _login(identifiers: list[dict[str, str]]) -> dict[str, Any]:
    said = {one["type"]: one["value"] for one in identifiers}
    traits = {name: value for name, value in said.items() if name in _TRAITS}
    external = [
        {"type": name, "id": value, "collection": "users", "encoding": "none"}
        for name, value in said.items()
        if name.startswith("x_")
    ]
    who = {"userId": said["member_id"]} if "member_id" in said else {}
    return {"type": "identify", "traits": traits} | who | ({"context": {"externalIds": external}} if external else {})


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
