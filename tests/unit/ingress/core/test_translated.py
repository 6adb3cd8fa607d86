"""How a draft becomes an event that fits into the log."""

from typing import Any

import orjson
import pytest

from schemas import codec
from schemas.codec import InvalidEvent
from services.ingress.core.translated import to_event
from tests.support.strategies import BASE_MS

LARGE = "x" * 400_000


def _envelope(type_name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_id": "e1",
        "tenant": "demo",
        "contact": {"channel": "web", "account": "shop", "uid": "c1"},
        "type": type_name,
        "occurred_at": BASE_MS,
        "received_at": BASE_MS,
        "source": "web-site",
        "data": data,
    }


def test_what_fits_is_left_alone() -> None:
    event = to_event(_envelope("web.tracked", {"event": "Viewed", "properties": {"sku": "TEA-1"}}))
    assert codec.data_json(event) == '{"event":"Viewed","properties":{"sku":"TEA-1"}}'


@pytest.mark.parametrize(
    ("type_name", "data", "place"),
    [
        ("message.received", {"text": LARGE}, "payload"),
        ("message.received", {"payload": {"deep": [{"er": LARGE}]}}, "payload"),
        ("bot.interacted", {"payload": LARGE}, "payload"),
        ("web.tracked", {"event": "Viewed", "properties": {"html": LARGE}}, "properties"),
        ("team.message_sent", {"purpose": "bot", "text": LARGE}, "payload"),
    ],
)
def test_what_does_not_fit_is_cut_and_marked(type_name: str, data: dict[str, Any], place: str) -> None:
    event = to_event(_envelope(type_name, data))
    raw = codec.encode(event)
    assert len(raw) <= codec.MAX_EVENT_BYTES
    assert orjson.loads(codec.data_json(event))[place]["truncated"] is True


def test_an_unknown_type_is_marked_in_its_data() -> None:
    event = to_event(_envelope("web.scrolled", {"html": LARGE, "few": [1, 2, 3]}))
    assert event.data == {"html": LARGE[:65_536], "few": [1, 2, 3], "truncated": True}


def test_the_envelope_is_not_changed() -> None:
    envelope = _envelope("web.scrolled", {"html": LARGE})
    to_event(envelope)
    assert envelope == _envelope("web.scrolled", {"html": LARGE})


def test_a_field_that_may_not_be_cut_unmarked_is_refused() -> None:
    with pytest.raises(InvalidEvent):
        to_event(_envelope("profile.updated", {"display_name": LARGE}))
