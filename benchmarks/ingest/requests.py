"""The requests: LINE's webhooks of one message each, signed, and batches of canonical events."""

import hmac
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

import orjson

from benchmarks.ingest.caller import request

SOURCE: Final = "bench-line"
ACCOUNT: Final = "oa"
SECRET: Final = b"a channel secret of the benchmark's"
_START_MS: Final = 1_780_000_000_000


def uid_of(number: int) -> str:
    """Return a LINE user id."""
    return f"U{number:032x}"


def webhook(event: int, uid: str) -> bytes:
    """Return a signed webhook with one text message."""
    body = orjson.dumps(
        {
            "destination": "Ubot",
            "events": [
                {
                    "type": "message",
                    "mode": "active",
                    "timestamp": _START_MS + event,
                    "webhookEventId": f"01BENCH{event:019d}",
                    "deliveryContext": {"isRedelivery": False},
                    "replyToken": f"{event:032x}",
                    "source": {"type": "user", "userId": uid},
                    "message": {"id": f"5{event:017d}", "type": "text", "quoteToken": "q", "text": "請問這款還有貨嗎"},
                }
            ],
        }
    )
    signature = b64encode(hmac.digest(SECRET, body, sha256)).decode()
    return request("POST", f"/webhooks/line/{SOURCE}", {"x-line-signature": signature}, body)


def batches(first: int, events: int, size: int, contacts: int, key: str) -> Iterator[bytes]:
    """Yield requests of ``size`` events each for ``POST /v1/events``, numbered from ``first``."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    for start in range(first, first + events, size):
        body = orjson.dumps([_event(number, contacts) for number in range(start, start + size)])
        yield request("POST", "/v1/events", headers, body)


def _event(number: int, contacts: int) -> dict[str, object]:
    return {
        "event_id": f"bench:{number}",
        "type": "message.received",
        "contact": {"channel": "line", "account": ACCOUNT, "uid": uid_of(number % contacts)},
        "occurred_at": _START_MS + number,
        "data": {"message_id": str(number), "kind": "text", "text": "請問這款還有貨嗎"},
    }
