"""The senders of Onefold's own routes: the website's pages, the CRM, campaigns, and whatever has no other way. Pure."""

from collections.abc import Hashable
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from services.demo import brand
from services.demo.senders.shape import ITEM_BY_ITEM, Item, Sender
from services.demo.year import CanonicalEvent, Events


def _segment_call(events: Events) -> Item:
    event, browser = events[0], events[-1]["contact"]
    at, data = datetime.fromtimestamp(event["occurred_at"] / 1000, UTC), event["data"]
    common = {
        "messageId": event["event_id"].partition(":")[2],
        "anonymousId": browser["uid"],
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if event["type"] == "identity.bound":
        return common | _identify({one["type"]: one["value"] for one in data["identifiers"]})
    page = {"context": {"page": {"url": data["url"]}}, "properties": data.get("properties", {})}
    call = {"type": "page"} if data["event"] == "page_viewed" else {"type": "track", "event": data["event"]}
    return common | page | call


def _identify(values: dict[str, str]) -> Item:
    traits = {name: value for name, value in values.items() if name in {"email", "phone"}}
    user = {"userId": values["member_id"]} if "member_id" in values else {}
    external = [
        {"type": name, "id": value, "collection": "users", "encoding": "none"}
        for name, value in values.items()
        if name.startswith("x_")
    ]
    return {"type": "identify", "traits": traits, "context": {"externalIds": external}} | user


def _member_record(events: Events) -> Item:
    """What the CRM knows of a member at one time."""
    contact, at = events[0]["contact"], events[0]["occurred_at"]
    record: Item = {"member_id": contact["uid"], "account": contact["account"], "updated_at": at}
    for event in events:
        data = event["data"]
        match event["type"]:
            case "identity.bound":
                record |= {"via": data["via"]} | {one["type"]: one["value"] for one in data["identifiers"]}
            case "profile.updated":
                record |= data
            case "tag.added":
                record["tags"] = {"add": [data]}
            case _:
                attribute = {data["key"]: {"value": data["value"], "type": data["type"]}}
                record["attributes"] = record.get("attributes", {}) | attribute
    return record


def send_terms(event: CanonicalEvent, run: str) -> Item:
    """What all messages of a campaign's send have in common; sends of another run have another id."""
    data, at = event["data"], event["occurred_at"]
    send_id = f"{data['campaign']}/{at}/{run}"
    return {"send_id": send_id, "purpose": "broadcast", "text": data["text"], "sent_at": at}


def _send_key(event: CanonicalEvent) -> Hashable:
    return event["data"]["campaign"], event["occurred_at"]


def _recipients(items: list[Item], event: CanonicalEvent, run: str) -> bytes:
    return b"\n".join(orjson.dumps(one) for one in (send_terms(event, run), *items))


def _count_statuses(answer: Any, _: int) -> tuple[int, int]:
    statuses = [result["status"] for result in answer["results"]]
    return statuses.count("accepted"), statuses.count("rejected")


def _count_member_events(answer: Any, _: int) -> tuple[int, int]:
    return sum(len(one.get("event_ids", ())) for one in answer["results"]), answer["rejected"]


SITE: Final = Sender(
    path="/v1/batch",
    largest=40,
    item=_segment_call,
    kinds=("web.tracked", "identity.bound"),
    body=lambda items, *_: orjson.dumps({"batch": items}),
    credential="write key",
)
MEMBERS: Final = Sender(
    path=f"/v1/members?account={brand.ACCOUNTS['crm']}",
    largest=60,
    item=_member_record,
    kinds=("identity.bound", "profile.updated", "tag.added", "attribute.set"),
    method="PUT",
    statuses=ITEM_BY_ITEM,
    counts=_count_member_events,
)
CAMPAIGNS: Final = Sender(
    path="/v1/campaigns/{campaign}/messages",
    largest=300,
    item=lambda events: {"contact": ":".join(events[0]["contact"].values())},
    body=_recipients,
    content_type="application/x-ndjson",
    statuses=ITEM_BY_ITEM,
    counts=lambda answer, _: (answer["accepted"], answer["rejected"]),
    request_key=_send_key,
)
EVENTS: Final = Sender(
    path="/v1/events", largest=200, item=lambda events: events[0], statuses=ITEM_BY_ITEM, counts=_count_statuses
)
