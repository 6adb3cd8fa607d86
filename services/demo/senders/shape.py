"""The shape that all senders share: templates of what they report, and the requests that carry it. Pure."""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal, NamedTuple

import orjson

from services.demo.templates import fill
from services.demo.year import CanonicalEvent, Events

SenderName = Literal["line", "facebook", "instagram", "whatsapp", "site", "members", "campaigns", "events"]
Item = dict[str, Any]  # one report in the sender's own shape
_NO_CHOICE: Final = Random(0)
ITEM_BY_ITEM: Final = frozenset({202, 422})  # the statuses where every item of the request has a result of its own


def _accepted_and_rejected(answer: Any, events: int) -> tuple[int, int]:
    ignored = len(answer.get("ignored", ()))
    return events - ignored, ignored


@dataclass(frozen=True, slots=True)
class Sender:
    """How a sender delivers events.

    It reports events of these ``kinds``. A request carries at most ``largest`` items, all of one ``request_key``;
    ``body`` takes the items, the first event, and the run's name. ``repeated`` marks an item that is delivered again.
    ``counts`` reads from an answer how many of so many events were accepted and rejected.
    """

    path: str
    largest: int
    item: Callable[[Events], Item]
    kinds: Collection[str] = ()
    body: Callable[[list[Item], CanonicalEvent, str], bytes] = lambda items, *_: orjson.dumps(items)
    credential: Literal["signature", "write key", "API key"] = "API key"
    method: str = "POST"
    content_type: str = "application/json"
    statuses: frozenset[int] = frozenset({200})
    counts: Callable[[Any, int], tuple[int, int]] = _accepted_and_rejected
    request_key: Callable[[CanonicalEvent], Hashable] = lambda _: ""
    repeated: Callable[[Item], Item] = lambda item: item


class Post(NamedTuple):
    """One request: how many events it carries, and the status with which it must be refused as a whole, if it must."""

    sender: SenderName
    path: str
    body: bytes
    events: int = 0
    refused_with: int | None = None
    wrong_credential: bool = False


def kind_of(event: CanonicalEvent) -> str:
    """An event's type and, of a message, whether it is a text, a sticker or a picture."""
    return " ".join(filter(None, (event["type"], event["data"].get("kind"))))


def templated(common: Item, templates: Mapping[str, Item]) -> Callable[[Events], Item]:
    """Return what makes an item of events by the template of the first one's kind. ``common`` is in every item."""

    def item(events: Events) -> Item:
        return dict(fill(common | templates[kind_of(events[0])], _names(events), _NO_CHOICE))

    return item


def _names(events: Events) -> dict[str, Any]:
    event, last = events[0], events[-1]
    return {
        "data": event["data"],
        "last": last,
        "uid": event["contact"]["uid"],
        "account": event["contact"]["account"],
        "id": event["event_id"].partition(":")[2],
        "at": event["occurred_at"],
        "seconds": event["occurred_at"] // 1000,
        "user_id": _whatsapp_user(event),
        "last_user_id": _whatsapp_user(last),
        "is_unblocked": event["data"].get("via") == "unblock",
    }


def _whatsapp_user(event: CanonicalEvent) -> str:
    """The user's id in the brand's portfolio, which WhatsApp sends with everything."""
    ids = (one["value"] for one in event.get("intrinsic", ()) if one["type"] == "whatsapp_user")
    return str(next(ids, "")).partition(":")[2]
