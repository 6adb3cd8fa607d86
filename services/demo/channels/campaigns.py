"""Lists of the contacts that a campaign was sent to, by ``POST /v1/campaigns/{campaign}/messages``. Pure."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

import orjson

from services.demo.channels.channel import ACCEPTED, Channel, Item
from services.demo.year import CanonicalEvent


def _sends(event: CanonicalEvent) -> bool:
    return bool(event["source"] == "campaigns" and event["data"].get("purpose") == "broadcast")


def _request_key(event: CanonicalEvent) -> Hashable:
    """The send: which campaign, and when."""
    return event["data"]["campaign"], event["occurred_at"]


def _item(events: Sequence[CanonicalEvent]) -> Item:
    (event,) = events
    return {"contact": ":".join(event["contact"][part] for part in ("channel", "account", "uid"))}


def send_terms(event: CanonicalEvent, run: str) -> Item:
    """What all messages of a send have in common; sends of another run have another id."""
    data, at = event["data"], event["occurred_at"]
    send_id = f"{data['campaign']}/{at}/{run}"
    return {"send_id": send_id, "purpose": "broadcast", "text": data["text"], "sent_at": at}


def _body(items: list[Item], event: CanonicalEvent, run: str) -> bytes:
    return b"\n".join(orjson.dumps(one) for one in (send_terms(event, run), *items))


def _counts(answer: Any, _: int) -> tuple[int, int]:
    return answer["accepted"], answer["rejected"]


CAMPAIGNS: Final = Channel(
    path="/v1/campaigns/{campaign}/messages",
    largest=300,
    sends=_sends,
    item=_item,
    body=_body,
    content_type="application/x-ndjson",
    answers=ACCEPTED,
    counts=_counts,
    request_key=_request_key,
)
