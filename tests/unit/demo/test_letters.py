"""Every sender says what is meant: ingress makes of each letter the very events that it tells."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import from_dict
from schemas.events import Event
from services.demo.diary import CanonicalEvent
from services.demo.generate import life
from services.demo.letters import Letter, letters
from services.demo.understood import Misunderstood, understood
from tests.support.examples import examples

NOW = 1_790_000_000_000
RECEIVED = NOW + 10**10
STORY = "a-story"
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
    """What must be as it was meant: all but the ids, and what only a channel's own shape adds."""
    told = event.model_dump(mode="json")
    data = {name: value for name, value in told["data"].items() if value not in (None, {}, [])}
    payload = data.pop("payload", None)
    if event.type == "bot.interacted":
        data["payload"] = payload["payload"] if isinstance(payload, dict) else payload
    if event.type == "message.unsent":
        data.pop("kind")
    if "identifiers" in data:
        data["identifiers"] = sorted(data["identifiers"], key=orjson.dumps)
    vouched = sorted(told["intrinsic"], key=orjson.dumps)
    return {name: told[name] for name in ("type", "contact", "occurred_at")} | {"data": data, "intrinsic": vouched}


def meant(letter: Letter) -> list[dict[str, Any]]:
    return [meaning(from_dict({"tenant": "demo", "received_at": RECEIVED} | event)) for event in letter.events]


def told(letter: Letter) -> list[dict[str, Any]]:
    return [meaning(event) for event in understood(letter, RECEIVED, STORY)]


@pytest.fixture(scope="module", name="year")
def fixture_year() -> list[CanonicalEvent]:
    return life(7, 2_000, 20_000, NOW)


@pytest.fixture(scope="module", name="written")
def fixture_written(year: list[CanonicalEvent]) -> list[Letter]:
    return letters(year)


def kinds(written: Sequence[Letter]) -> Counter[tuple[str, str]]:
    return Counter((letter.way, event["type"]) for letter in written for event in letter.events)


def test_each_event_is_in_one_letter(year: list[CanonicalEvent], written: list[Letter]) -> None:
    ids = Counter(event["event_id"] for letter in written for event in letter.events)
    assert ids == Counter(event["event_id"] for event in year)


def test_all_that_a_sender_can_say_it_says_itself(written: list[Letter]) -> None:
    found = kinds(written)
    assert {kind for kind in found if kind[0] != "events"} == BY_ITSELF
    assert not {type_name for way, type_name in found if way == "events"} & {"web.tracked", "message.received"}


def test_each_letter_is_understood_as_it_is_meant(written: list[Letter]) -> None:
    for letter in written:
        assert told(letter) == meant(letter), letter


@settings(max_examples=examples(25), deadline=None)
@given(seed=st.integers(), people=st.integers(1, 40), events=st.integers(1, 400), until=st.integers(0, 10**10))
def test_so_it_is_in_every_life(seed: int, people: int, events: int, until: int) -> None:
    for letter in letters(life(seed, people, events, NOW + until)):
        assert told(letter) == meant(letter)


def test_the_ids_are_the_stories_own(written: list[Letter]) -> None:
    ids = [event.event_id for letter in written for event in understood(letter, RECEIVED, STORY)]
    assert len(set(ids)) == len(ids)
    again = [event.event_id for letter in written for event in understood(letter, RECEIVED + 5_000, STORY)]
    assert again == ids


def test_what_was_cut_off_at_the_end_is_told_event_by_event(written: list[Letter]) -> None:
    several = [letter for letter in written if len(letter.events) > 1]
    assert {letter.way for letter in several} == {"whatsapp", "members"}
    moved = next(letter for letter in several if letter.events[0]["type"] == "contact.superseded")
    for event in moved.events:
        (alone,) = letters([event])
        assert alone.way == "events"
        assert told(alone) == meant(alone)


def test_what_would_be_refused_is_found_out(written: list[Letter]) -> None:
    event = next(letter for letter in written if letter.way == "events").events[0]
    with pytest.raises(Misunderstood):
        understood(Letter("events", (event | {"occurred_at": 5},)), RECEIVED, STORY)
