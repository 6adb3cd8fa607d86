"""What must not get through: events and requests that the door refuses, and records broken in the log. Pure."""

from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from schemas.topics import event_key
from services.demo import brand, line_webhooks, site_messages
from services.demo.diary import CanonicalEvent
from services.demo.letters import META, Way

TENANT: Final = "demo"


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that is refused whole. ``proof`` says which credential is wrong, if one is."""

    why: str
    to: Way
    body: bytes
    status: int
    proof: Literal["right", "wrong"] = "right"


@dataclass(frozen=True, slots=True)
class Broken:
    """A record of the log that is no event: it becomes a dead letter."""

    why: str
    key: bytes
    value: bytes


def spoilt_events(sound: CanonicalEvent) -> tuple[CanonicalEvent, ...]:
    """Events for ``POST /v1/events`` that are refused one by one, while those around them go through."""
    event = sound | {"event_id": "demo:spoilt"}
    contact = sound["contact"]
    return (
        event | {"contact": contact | {"channel": "telegraph"}},
        event | {"contact": contact | {"uid": ""}},
        event | {"occurred_at": sound["occurred_at"] // 1000},
        event | {"occurred_at": -1},
        {name: value for name, value in event.items() if name != "occurred_at"},
        event | {"type": "tag.added", "data": {"source": "manual"}},
        event | {"type": "message.received", "data": {"text": "a NUL \x00 in the middle"}},
        event | {"tenant": "another-brand"},
    )


def refused_requests(sound: CanonicalEvent) -> tuple[Refused, ...]:
    """Requests of which nothing may be stored."""
    seen = {"type": "page", "anonymousId": "c-forged", "messageId": "demo-forged"}
    surrogate = orjson.dumps(sound | {"type": "message.received", "data": {"text": "?"}}).replace(b'"?"', b'"\\ud83c"')
    return (
        Refused("malformed JSON", "events", b'{"type": "message.received", ', 400),
        Refused("a lone surrogate", "events", surrogate, 422),
        Refused("nothing in it is an event", "events", orjson.dumps([{"type": "tag.added"}, 42]), 422),
        Refused("an unknown key", "events", orjson.dumps(sound), 401, proof="wrong"),
        Refused("a forged signature of LINE's", "line", orjson.dumps(line_webhooks.body([])), 401, proof="wrong"),
        *(
            Refused(
                "a forged signature of Meta's", way, orjson.dumps({"object": "page", "entry": []}), 401, proof="wrong"
            )
            for way in META
        ),
        Refused("an unknown write key", "site", orjson.dumps(site_messages.body([seen])), 401, proof="wrong"),
        Refused("a member without a number", "members", orjson.dumps([{"display_name": "?"}]), 422),
        Refused("a campaign to nobody", "campaigns", b'{"text": "?"}', 400),
    )


def broken_records(sound: CanonicalEvent) -> tuple[Broken, ...]:
    """Bytes for the log itself, as a faulty producer behind the door would leave them."""
    event = sound | {"tenant": TENANT, "received_at": sound["occurred_at"], "event_id": "demo:broken"}
    deep: Any = "here"
    for _ in range(80):
        deep = {"in": deep}
    lines = {
        "not JSON": b"\x00\x01 not an event \xff",
        "cut off": orjson.dumps(event)[:-20],
        "not an object": b'["an", "array"]',
        "no contact channel": orjson.dumps(event | {"contact": {"account": "a", "uid": "u"}}),
        "time in seconds": orjson.dumps(event | {"occurred_at": sound["occurred_at"] // 1000}),
        "a NUL in the text": orjson.dumps(event | {"type": "message.received", "data": {"text": "a\x00b"}}),
        "nested without end, and a NUL at the bottom": orjson.dumps(
            event | {"type": "survey.answered", "data": {"answers": {"deep": deep, "nul": "\x00"}}}
        ),
        "from the future": orjson.dumps(event | {"type": "tag.added", "data": {"tag": "x"}, "schema_version": 99}),
    }
    contact = brand.ACCOUNTS["crm"]
    keys = (event_key(TENANT, f"crm:{contact}:broken-{number}") for number in range(len(lines)))
    return tuple(Broken(why, key, value) for (why, value), key in zip(lines.items(), keys, strict=True))
