"""What must not get through: events and requests that ingress refuses, and broken records in the log. Pure."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from schemas.topics import event_key
from services.demo import brand
from services.demo.channels.channel import Sender
from services.demo.year import CanonicalEvent

TENANT: Final = "demo"


@dataclass(frozen=True, slots=True)
class RefusedPost:
    """A request that is refused as a whole with this status, and whether its credential is wrong."""

    sender: Sender
    body: bytes
    status: int
    wrong_credential: bool = False


@dataclass(frozen=True, slots=True)
class BrokenRecord:
    """A log record that is no event and becomes a dead letter."""

    key: bytes
    value: bytes


def invalid_events(valid: CanonicalEvent) -> tuple[CanonicalEvent, ...]:
    """Events for ``POST /v1/events`` that are rejected one by one, while the others of their batch are accepted."""
    event = valid | {"event_id": "demo:invalid"}
    contact = valid["contact"]
    return (
        event | {"contact": contact | {"channel": "telegraph"}},
        event | {"contact": contact | {"uid": ""}},
        event | {"occurred_at": valid["occurred_at"] // 1000},
        event | {"occurred_at": -1},
        {name: value for name, value in event.items() if name != "occurred_at"},
        event | {"type": "tag.added", "data": {"source": "manual"}},
        event | {"type": "message.received", "data": {"text": "a NUL \x00 in the middle"}},
        event | {"tenant": "another-brand"},
    )


def refused_posts(valid: CanonicalEvent) -> tuple[RefusedPost, ...]:
    """Requests of which nothing may be stored: malformed ones, and ones with a wrong credential."""
    page = {"type": "page", "anonymousId": "c-forged", "messageId": "demo-forged"}
    text = orjson.dumps(valid | {"type": "message.received", "data": {"text": "?"}})
    meta = orjson.dumps({"object": "page", "entry": []})
    return (
        RefusedPost("events", b'{"type": "message.received", ', 400),
        RefusedPost("events", text.replace(b'"?"', b'"\\ud83c"'), 422),  # half of a surrogate pair
        RefusedPost("events", orjson.dumps([{"type": "tag.added"}, 42]), 422),
        RefusedPost("members", orjson.dumps([{"display_name": "?"}]), 422),
        RefusedPost("campaigns", b'{"text": "?"}', 400),
        RefusedPost("events", orjson.dumps(valid), 401, wrong_credential=True),
        RefusedPost("line", orjson.dumps({"destination": "U0", "events": []}), 401, wrong_credential=True),
        RefusedPost("facebook", meta, 401, wrong_credential=True),
        RefusedPost("instagram", meta, 401, wrong_credential=True),
        RefusedPost("whatsapp", meta, 401, wrong_credential=True),
        RefusedPost("site", orjson.dumps({"batch": [page]}), 401, wrong_credential=True),
    )


def broken_records(valid: CanonicalEvent) -> tuple[BrokenRecord, ...]:
    """Log records as a faulty producer would write them, past ingress."""
    event = valid | {"tenant": TENANT, "received_at": valid["occurred_at"], "event_id": "demo:broken"}
    deep: Any = "here"
    for _ in range(80):
        deep = {"in": deep}
    values = (
        b"\x00\x01 not an event \xff",
        orjson.dumps(event)[:-20],
        b'["an", "array"]',
        orjson.dumps(event | {"contact": {"account": "a", "uid": "u"}}),
        orjson.dumps(event | {"occurred_at": valid["occurred_at"] // 1000}),
        orjson.dumps(event | {"type": "message.received", "data": {"text": "a\x00b"}}),
        orjson.dumps(event | {"type": "survey.answered", "data": {"answers": {"deep": deep, "nul": "\x00"}}}),
        orjson.dumps(event | {"type": "tag.added", "data": {"tag": "x"}, "schema_version": 99}),
    )
    account = brand.ACCOUNTS["crm"]
    keys = (event_key(TENANT, f"crm:{account}:broken-{number}") for number in range(len(values)))
    return tuple(BrokenRecord(key, value) for key, value in zip(keys, values, strict=True))
