"""The CRM's member records, by ``PUT /v1/members``. Pure. What the CRM knows of a member at one time is one record."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from services.demo import brand
from services.demo.channels.channel import ACCEPTED, Channel, Item
from services.demo.year import CanonicalEvent

_ORDER: Final = ("identity.bound", "profile.updated", "tag.added", "attribute.set")  # of a record's events


def _item_key(event: CanonicalEvent) -> Hashable:
    """Whose record it is, and of when."""
    return event["contact"]["uid"], event["occurred_at"]


def _is_item(events: Sequence[CanonicalEvent]) -> bool:
    """A record has one name and one set of identifiers, and each tag and attribute once."""
    parts = [(event["type"], event["data"].get("key"), event["data"].get("tag")) for event in events]
    return len(set(parts)) == len(parts)


def _item(events: Sequence[CanonicalEvent]) -> Item:
    contact, at = events[0]["contact"], events[0]["occurred_at"]
    record: Item = {"member_id": contact["uid"], "account": contact["account"], "updated_at": at}
    tags: list[dict[str, Any]] = []
    attributes: dict[str, dict[str, Any]] = {}
    for event in events:
        data = event["data"]
        match event["type"]:
            case "identity.bound":
                record |= {"via": data["via"]} | {one["type"]: one["value"] for one in data["identifiers"]}
            case "profile.updated":
                record |= data
            case "tag.added":
                tags.append(data)
            case _:
                attributes[data["key"]] = {"value": data["value"], "type": data["type"]}
    return record | ({"tags": {"add": tags}} if tags else {}) | ({"attributes": attributes} if attributes else {})


def _counts(answer: Any, _: int) -> tuple[int, int]:
    return sum(len(one.get("event_ids", ())) for one in answer["results"]), answer["rejected"]


MEMBERS: Final = Channel(
    path=f"/v1/members?account={brand.ACCOUNTS['crm']}",
    largest=60,
    sends=lambda event: event["source"] == "pos" and event["type"] in _ORDER,
    item=_item,
    method="PUT",
    answers=ACCEPTED,
    counts=_counts,
    item_key=_item_key,
    order=lambda event: _ORDER.index(event["type"]),
    is_item=_is_item,
)
