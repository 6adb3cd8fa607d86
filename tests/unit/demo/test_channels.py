"""Ingress makes exactly the intended events of each sender's items."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import from_dict
from schemas.events import Event
from services.demo.deliveries import SentItem, items_of
from services.demo.generate import generate_year
from services.demo.year import CanonicalEvent
from tests.support.demo_ingress import NotAsSent, translated
from tests.support.examples import examples

NOW = 1_790_000_000_000
RECEIVED = NOW + 10**10
RUN = "a-run"
BY_ITSELF = {
    ("line", "message.received"),
    ("line", "message.unsent"),
    ("line", "bot.interacted"),
    ("line", "contact.followed"),
    ("line", "contact.blocked"),
    ("facebook", "message.received"),
    ("facebook", "message.edited"),
    ("facebook", "bot.interacted"),
    ("facebook", "notification.opted_in"),
    ("facebook", "notification.opted_out"),
    ("instagram", "message.received"),
    ("instagram", "message.unsent"),
    ("instagram", "bot.interacted"),
    ("whatsapp", "message.received"),
    ("whatsapp", "message.edited"),
    ("whatsapp", "bot.interacted"),
    ("whatsapp", "profile.updated"),
    ("whatsapp", "team.message_status"),
    ("whatsapp", "contact.superseded"),
    ("whatsapp", "identity.bound"),
    ("whatsapp", "marketing.opted_out"),
    ("whatsapp", "marketing.opted_in"),
    ("site", "web.tracked"),
    ("site", "identity.bound"),
    ("members", "identity.bound"),
    ("members", "profile.updated"),
    ("members", "attribute.set"),
    ("members", "tag.added"),
    ("campaigns", "team.message_sent"),
}


def meaning(event: Event) -> dict[str, Any]:
    """What must come out as intended: all but the ids, and what only a channel's own shape adds."""
    dumped = event.model_dump(mode="json")
    data = {name: value for name, value in dumped["data"].items() if value not in (None, {}, [])}
    payload = data.pop("payload", None)
    if event.type == "bot.interacted":
        data["payload"] = payload["payload"] if isinstance(payload, dict) else payload
    if event.type == "message.unsent":
        data.pop("kind")
    if "identifiers" in data:
        data["identifiers"] = sorted(data["identifiers"], key=orjson.dumps)
    vouched = sorted(dumped["intrinsic"], key=orjson.dumps)
    return {name: dumped[name] for name in ("type", "contact", "occurred_at")} | {"data": data, "intrinsic": vouched}


def intended(item: SentItem) -> list[dict[str, Any]]:
    return [meaning(from_dict({"tenant": "demo", "received_at": RECEIVED} | event)) for event in item.events]


def received(item: SentItem) -> list[dict[str, Any]]:
    return [meaning(event) for event in translated(item, RECEIVED, RUN)]


@pytest.fixture(scope="module", name="year")
def fixture_year() -> list[CanonicalEvent]:
    return generate_year(7, 2_000, 20_000, NOW).events


@pytest.fixture(scope="module", name="items")
def fixture_items(year: list[CanonicalEvent]) -> list[SentItem]:
    return items_of(year)


def kinds(items: Sequence[SentItem]) -> Counter[tuple[str, str]]:
    return Counter((item.sender, event["type"]) for item in items for event in item.events)


def test_each_event_is_in_one_item(year: list[CanonicalEvent], items: list[SentItem]) -> None:
    ids = Counter(event["event_id"] for item in items for event in item.events)
    assert ids == Counter(event["event_id"] for event in year)


def test_a_sender_reports_itself_what_its_api_can_express(items: list[SentItem]) -> None:
    found = kinds(items)
    assert {kind for kind in found if kind[0] != "events"} == BY_ITSELF
    assert not {type_name for way, type_name in found if way == "events"} & {"web.tracked", "message.received"}


def test_ingress_makes_the_intended_events_of_each_item(items: list[SentItem]) -> None:
    for item in items:
        assert received(item) == intended(item), item


@settings(max_examples=examples(25), deadline=None)
@given(seed=st.integers(), people=st.integers(1, 40), events=st.integers(1, 400), until=st.integers(0, 10**10))
def test_ingress_makes_the_intended_events_in_every_year(seed: int, people: int, events: int, until: int) -> None:
    for item in items_of(generate_year(seed, people, events, NOW + until).events):
        assert received(item) == intended(item)


def test_event_ids_do_not_depend_on_the_time_of_receipt(items: list[SentItem]) -> None:
    ids = [event.event_id for item in items for event in translated(item, RECEIVED, RUN)]
    assert len(set(ids)) == len(ids)
    again = [event.event_id for item in items for event in translated(item, RECEIVED + 5_000, RUN)]
    assert again == ids


def test_what_the_end_of_the_year_cuts_off_is_sent_event_by_event(items: list[SentItem]) -> None:
    several = [item for item in items if len(item.events) > 1]
    assert {item.sender for item in several} == {"whatsapp", "members"}
    moved = next(item for item in several if item.events[0]["type"] == "contact.superseded")
    for event in moved.events:
        (alone,) = items_of([event])
        assert alone.sender == "events"
        assert received(alone) == intended(alone)


def test_an_item_that_ingress_would_refuse_is_found(items: list[SentItem]) -> None:
    event = next(item for item in items if item.sender == "events").events[0]
    with pytest.raises(NotAsSent):
        translated(SentItem("events", (event | {"occurred_at": 5},)), RECEIVED, RUN)
