"""Bodies that channels and producers send to ingress, each with the ids of the events that it states."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from hmac import digest
from itertools import count, islice
from random import Random
from typing import Any, Final, NamedTuple

import orjson

from schemas.codec import encode
from tests.support.families import history
from tests.support.identity_events import T0
from tests.support.ingress import META_ACCOUNTS, SECRETS
from tests.support.workload import workload

_BATCH: Final = 20
_CONTACTS: Final = 200
_SET_BY_INGRESS: Final = ("tenant", "received_at")


class Delivery(NamedTuple):
    """A request to ingress, and the ids of those of its events that come into a timeline."""

    path: str
    headers: dict[str, str]
    body: bytes
    event_ids: frozenset[str]


class Deliveries:
    """Endless deliveries, each of events that no other one states; equal arguments give equal ones."""

    def __init__(self, seed: int, key: str) -> None:
        self._rng = Random(f"deliveries/{seed}")
        self._key = key
        self._numbers = count(1)
        self._identity = _of_contacts(orjson.loads(encode(one)) for one in history(self._rng))
        self._busy_day = _of_contacts(orjson.loads(value) for _, value in workload(1_000_000, _CONTACTS, seed))

    def following(self) -> Delivery:
        """The next one."""
        return self._rng.choices((self._identity_events, self._mixed_events, self._line, self._meta), (3, 3, 2, 2))[0]()

    def _identity_events(self) -> Delivery:
        return self._events(list(islice(self._identity, self._rng.randint(1, _BATCH))))

    def _mixed_events(self) -> Delivery:
        return self._events(list(islice(self._busy_day, self._rng.randint(1, _BATCH))))

    def _events(self, events: list[dict[str, Any]]) -> Delivery:
        """Some producers do not keep to the order of their events."""
        if self._rng.random() < 0.3:
            self._rng.shuffle(events)
        ids = frozenset(one["event_id"] for one in events)
        return Delivery("/v1/events", {"authorization": f"Bearer {self._key}"}, orjson.dumps(events), ids)

    def _line(self) -> Delivery:
        numbers = list(islice(self._numbers, self._rng.randint(1, 4)))
        body = orjson.dumps({"destination": "Ubot", "events": [self._line_entry(number) for number in numbers]})
        signature = b64encode(digest(SECRETS[1], body, sha256)).decode()
        ids = frozenset(f"line:{_webhook_event_id(number)}" for number in numbers)
        return Delivery("/webhooks/line/shop-line", {"x-line-signature": signature}, body, ids)

    def _line_entry(self, number: int) -> dict[str, Any]:
        followed = self._rng.random() < 0.2
        message = {"id": f"{number:018d}", "type": "text", "text": f"message {number}"}
        content = {"type": "follow"} if followed else {"type": "message", "message": message}
        return content | {
            "mode": "active",
            "timestamp": self._at(),
            "webhookEventId": _webhook_event_id(number),
            "deliveryContext": {"isRedelivery": self._rng.random() < 0.2},
            "source": {"type": "user", "userId": f"U{self._rng.randrange(50):032d}"},
        }

    def _meta(self) -> Delivery:
        number, account = next(self._numbers), META_ACCOUNTS["facebook"]
        item = {
            "sender": {"id": f"70{self._rng.randrange(50):03d}"},
            "recipient": {"id": account},
            "timestamp": self._at(),
            "message": {"mid": f"m_{number:08d}", "text": f"message {number}"},
        }
        body = orjson.dumps({"object": "page", "entry": [{"id": account, "time": self._at(), "messaging": [item]}]})
        signature = "sha256=" + digest(SECRETS[1], body, sha256).hex()
        ids = frozenset({f"facebook:m_{number:08d}"})
        return Delivery("/webhooks/meta/shop-meta", {"x-hub-signature-256": signature}, body, ids)

    def _at(self) -> int:
        return T0 + self._rng.randrange(10_000_000)


def _of_contacts(events: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Those that come into a timeline and stay there, as a producer sends them."""
    for event in events:
        if event.get("contact") and event["type"] != "contact.erased":
            yield {name: value for name, value in event.items() if name not in _SET_BY_INGRESS}


def _webhook_event_id(number: int) -> str:
    return f"01HZ{number:022d}"
