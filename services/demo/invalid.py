"""What must not get through: events and requests that ingress refuses, and broken records in the log. Pure."""

from typing import Any, Final, NamedTuple

import orjson

from schemas.topics import event_key
from services.demo import brand
from services.demo.senders import SENDERS
from services.demo.senders.shape import Post, SenderName
from services.demo.year import CanonicalEvent

TENANT: Final = "demo"


class BrokenRecord(NamedTuple):
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


def refused_requests(valid: CanonicalEvent) -> tuple[Post, ...]:
    """Requests of which nothing may be stored: malformed ones, and ones with a wrong credential."""
    page = {"type": "page", "anonymousId": "c-forged", "messageId": "demo-forged"}
    text = orjson.dumps(valid | {"type": "message.received", "data": {"text": "?"}})
    meta = orjson.dumps({"object": "page", "entry": []})
    malformed: tuple[tuple[SenderName, bytes, int], ...] = (
        ("events", b'{"type": "message.received", ', 400),
        ("events", text.replace(b'"?"', b'"\\ud83c"'), 422),  # half of a surrogate pair
        ("events", orjson.dumps([{"type": "tag.added"}, 42]), 422),
        ("members", orjson.dumps([{"display_name": "?"}]), 422),
        ("campaigns", b'{"text": "?"}', 400),
    )
    forged: tuple[tuple[SenderName, bytes, int], ...] = (
        ("events", orjson.dumps(valid), 401),
        ("line", orjson.dumps({"destination": "U0", "events": []}), 401),
        ("facebook", meta, 401),
        ("instagram", meta, 401),
        ("whatsapp", meta, 401),
        ("site", orjson.dumps({"batch": [page]}), 401),
    )
    return tuple(
        Post(
            sender, SENDERS[sender].path.format(campaign="nobody"), body, 0, status, wrong_credential=requests is forged
        )
        for requests in (malformed, forged)
        for sender, body, status in requests
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
