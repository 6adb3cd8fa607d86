"""The website's pages, which call Segment's API with a write key. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import orjson

from services.demo.channels.channel import Channel, Item
from services.demo.year import CanonicalEvent


def _sends(event: CanonicalEvent) -> bool:
    is_web = event["source"] == "site" and event["contact"]["channel"] == "web"
    return is_web and event["type"] in {"web.tracked", "identity.bound"}


def _item(events: Sequence[CanonicalEvent]) -> Item:
    (event,) = events
    at = datetime.fromtimestamp(event["occurred_at"] / 1000, UTC)
    common = {
        "messageId": event["event_id"].partition(":")[2],
        "anonymousId": event["contact"]["uid"],
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    data = event["data"]
    if event["type"] == "identity.bound":
        return common | _identify({one["type"]: one["value"] for one in data["identifiers"]})
    page = {"context": {"page": {"url": data["url"]}}, "properties": data.get("properties", {})}
    call = {"type": "page"} if data["event"] == "page_viewed" else {"type": "track", "event": data["event"]}
    return common | page | call


def _identify(values: dict[str, str]) -> Item:
    traits = {name: value for name, value in values.items() if name in {"email", "phone"}}
    external = [
        {"type": name, "id": value, "collection": "users", "encoding": "none"}
        for name, value in values.items()
        if name.startswith("x_")
    ]
    user = {"userId": values["member_id"]} if "member_id" in values else {}
    context = {"context": {"externalIds": external}} if external else {}
    return {"type": "identify", "traits": traits} | user | context


SITE: Final = Channel(
    path="/v1/batch",
    largest=40,
    sends=_sends,
    item=_item,
    body=lambda items, *_: orjson.dumps({"batch": items}),
    credential="write key",
)
