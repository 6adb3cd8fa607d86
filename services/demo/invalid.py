"""What must not get through: events and requests that ingress refuses, and broken records in the log. Pure."""

from typing import Any, Final, NamedTuple

import orjson

from schemas.topics import event_key
from services.demo import brand
from services.demo.senders.shape import SenderName
from services.demo.year import CanonicalEvent

TENANT: Final = "demo"


class BrokenRecord(NamedTuple):
    """A log record that is no event and becomes a dead letter."""

    key: bytes
    value: bytes


class RefusedRequest(NamedTuple):
    """A request that is refused as a whole with this status, and whether its credential is wrong."""

    sender: SenderName
    body: bytes
    status: int
    wrong_credential: bool = False


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


def refused_requests(valid: CanonicalEvent) -> tuple[RefusedRequest, ...]:
    """Requests of which nothing may be stored: malformed ones, and ones with a wrong credential."""
    page = {"type": "page", "anonymousId": "c-forged", "messageId": "demo-forged"}
    text = orjson.dumps(valid | {"type": "message.received", "data": {"text": "?"}})
    meta = orjson.dumps({"object": "page", "entry": []})
    forged: tuple[tuple[SenderName, bytes], ...] = (
        ("events", orjson.dumps(valid)),
        ("line", orjson.dumps({"destination": "U0", "events": []})),
        ("facebook", meta),
        ("instagram", meta),
        ("whatsapp", meta),
        ("site", orjson.dumps({"batch": [page]})),
    )
    return (
        RefusedRequest("events", b'{"type": "message.received", ', 400),
        RefusedRequest("events", text.replace(b'"?"', b'"\\ud83c"'), 422),  # half of a surrogate pair
        RefusedRequest("events", orjson.dumps([{"type": "tag.added"}, 42]), 422),
        RefusedRequest("members", orjson.dumps([{"display_name": "?"}]), 422),
        RefusedRequest("campaigns", b'{"text": "?"}', 400),
        *(RefusedRequest(sender, body, 401, wrong_credential=True) for sender, body in forged),
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
