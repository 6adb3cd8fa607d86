"""What the demo has to know of a sender. Pure."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from services.demo.year import CanonicalEvent

Sender = Literal["line", "facebook", "instagram", "whatsapp", "site", "members", "campaigns", "events"]
Item = dict[str, Any]  # one event, or several of one time, in the sender's own shape

ACCEPTED: Final = frozenset({202, 422})  # every event of the request has a result of its own


def _event_id(event: CanonicalEvent) -> Hashable:
    return str(event["event_id"])


def _webhook_counts(answer: Any, events: int) -> tuple[int, int]:
    ignored = len(answer.get("ignored", ()))
    return events - ignored, ignored


@dataclass(frozen=True, slots=True)
class Channel:
    """How a sender delivers events.

    ``sends`` says whether the sender itself reports an event; events of one ``item_key`` become one ``item``, in the
    order of ``order``, if ``is_item`` accepts them. A request carries at most ``largest`` items, all of one
    ``request_key``; ``body`` takes the items, the first event, and the run's name. ``repeated`` marks an item that is
    delivered again. ``counts`` reads from an answer how many of so many events were accepted and rejected.
    """

    path: str
    largest: int
    sends: Callable[[CanonicalEvent], bool]
    item: Callable[[Sequence[CanonicalEvent]], Item]
    body: Callable[[list[Item], CanonicalEvent, str], bytes] = lambda items, *_: orjson.dumps(items)
    credential: Literal["signature", "write key", "API key"] = "API key"
    method: str = "POST"
    content_type: str = "application/json"
    answers: frozenset[int] = frozenset({200})
    counts: Callable[[Any, int], tuple[int, int]] = _webhook_counts
    item_key: Callable[[CanonicalEvent], Hashable] = _event_id
    order: Callable[[CanonicalEvent], int] = lambda _: 0
    is_item: Callable[[Sequence[CanonicalEvent]], bool] = lambda _: True
    request_key: Callable[[CanonicalEvent], Hashable] = lambda _: ""
    repeated: Callable[[Item], Item] = lambda item: item
