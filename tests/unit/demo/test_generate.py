"""The generated year is exact, repeatable, valid, and of a plausible shape."""

from collections import Counter
from itertools import pairwise
from typing import Any, get_args
from urllib.parse import unquote

import orjson
import pytest

from schemas.codec import InvalidEvent, decode, from_dict
from schemas.events import EVENT_TYPES
from services.demo import brand
from services.demo.deliveries import Deliveries, deliveries
from services.demo.dice import DAY, YEAR
from services.demo.generate import GeneratedYear, generate_year
from services.demo.invalid import invalid_events
from services.demo.senders import sender_of
from services.demo.senders.shape import SenderName

NOW = 1_790_000_000_000
RUN = "7/2000/20000"
LATER_ISSUES = {"contact.erased", "contact.events_erased"}
TENANT_TYPES = {name for name in EVENT_TYPES if name.startswith("tenant.")}


@pytest.fixture(scope="module", name="made")
def fixture_made() -> GeneratedYear:
    return generate_year(7, 2_000, 20_000, NOW)


@pytest.fixture(scope="module", name="year")
def fixture_year(made: GeneratedYear) -> list[dict[str, Any]]:
    return made.events


@pytest.fixture(scope="module", name="sent")
def fixture_sent(made: GeneratedYear) -> Deliveries:
    return deliveries(made.reports, RUN)


def posted(sent: Deliveries, way: SenderName) -> list[Any]:
    return [orjson.loads(post.body) for post in sent.posts if post.sender == way and not post.refused_with]


def webhook_events(sent: Deliveries) -> list[dict[str, Any]]:
    return [event for body in posted(sent, "line") for event in body["events"]]


def posted_events(sent: Deliveries) -> list[dict[str, Any]]:
    return [event for batch in posted(sent, "events") for event in batch]


def complete(event: dict[str, Any]) -> dict[str, Any]:
    return {"tenant": "demo", "received_at": NOW} | event


@pytest.mark.parametrize("events", [1, 9, 50, 300, 4_999])
@pytest.mark.parametrize("people", [1, 60, 2_000])
def test_a_year_has_exactly_as_many_events_as_asked_for(people: int, events: int) -> None:
    assert len(generate_year(1, people, events, NOW).events) == events


def test_equal_arguments_give_equal_events_and_deliveries(year: list[dict[str, Any]], sent: Deliveries) -> None:
    again = generate_year(7, 2_000, 20_000, NOW)
    assert orjson.dumps(again.events) == orjson.dumps(year)
    assert deliveries(again.reports, RUN) == sent


@pytest.mark.parametrize(
    "other", [(8, 200, 2_000, NOW), (7, 199, 2_000, NOW), (7, 200, 2_001, NOW), (7, 200, 2_000, NOW + 1)]
)
def test_years_of_other_arguments_share_no_event_id(other: tuple[int, int, int, int]) -> None:
    ids = {event["event_id"] for event in generate_year(7, 200, 2_000, NOW).events}
    assert ids.isdisjoint(event["event_id"] for event in generate_year(*other).events)


def test_event_ids_are_distinct(year: list[dict[str, Any]]) -> None:
    assert len({event["event_id"] for event in year}) == len(year)


def test_the_codec_accepts_every_event(year: list[dict[str, Any]]) -> None:
    for event in year:
        from_dict(complete(event))


def test_every_event_lies_in_the_year_and_in_order(year: list[dict[str, Any]]) -> None:
    times = [event["occurred_at"] for event in year]
    assert NOW - YEAR <= times[0] <= NOW - YEAR + 5 * DAY
    assert NOW - 2 * DAY <= times[-1] <= NOW
    assert all(first <= second for first, second in pairwise(times))


def test_every_contact_type_of_event_happens_and_a_few_unknown_ones(year: list[dict[str, Any]]) -> None:
    seen = Counter(event["type"] for event in year)
    assert EVENT_TYPES.keys() - seen.keys() == TENANT_TYPES | LATER_ISSUES
    unknown = sum(count for name, count in seen.items() if name not in EVENT_TYPES)
    assert 0 < unknown <= 40


def test_a_small_year_has_the_rare_events_too() -> None:
    seen = {event["type"] for event in generate_year(7, 2_000, 300, NOW).events}
    rare = {"tag.removed", "attribute.unset", "omo.unbound", "identity.unbound", "identity.decided"}
    assert rare | {"marketing.opted_in"} <= seen


def test_line_dominates_and_every_channel_is_there(year: list[dict[str, Any]]) -> None:
    channels = Counter(event["contact"]["channel"] for event in year if event["contact"])
    assert channels.keys() == {"line", "facebook", "instagram", "whatsapp", "web", "crm"}
    assert channels["line"] > len(year) / 2
    assert min(channels.values()) > len(year) / 100


def test_about_as_many_people_as_asked_for(year: list[dict[str, Any]]) -> None:
    contacts = Counter(
        channel for channel, _ in {(e["contact"]["channel"], e["contact"]["uid"]) for e in year if e["contact"]}
    )
    assert 1_500 < contacts["line"] < 2_000
    assert 3_000 < sum(contacts.values()) < 5_000


def test_activity_has_a_long_tail_and_campaigns_are_bursts(year: list[dict[str, Any]]) -> None:
    talk = Counter(event["contact"]["uid"] for event in year if event["type"] in {"message.received", "bot.interacted"})
    busiest = sorted(talk.values(), reverse=True)
    assert sum(busiest[: len(busiest) // 5]) > sum(busiest) / 2
    days = sorted(Counter(event["occurred_at"] // DAY for event in year).values())
    assert days[-5] > 4 * days[len(days) // 2]


def test_nights_are_quieter_than_evenings(year: list[dict[str, Any]]) -> None:
    hours = Counter(event["occurred_at"] // 3_600_000 % 24 for event in year if event["type"] == "message.received")
    assert hours[12] + hours[13] > 5 * (hours[19] + hours[20])  # 20:00-21:59 against 03:00-04:59 in Taipei


def test_every_event_is_sent_and_the_duplicates_are_counted(year: list[dict[str, Any]], sent: Deliveries) -> None:
    assert sent.distinct == len(year)
    assert sent.accepted == sent.distinct + sent.duplicates
    assert sent.duplicates == len(year) * 3 // 100
    assert sum(post.events for post in sent.posts) == sent.accepted + sent.rejected
    invalid = {orjson.dumps(event) for event in invalid_events(year[0])}
    assert sum(orjson.dumps(event) in invalid for event in posted_events(sent)) == sent.rejected == len(invalid)


def test_every_sender_posts_its_part_in_bodies_of_different_sizes(sent: Deliveries) -> None:
    sizes: dict[SenderName, set[int]] = {}
    for post in sent.posts:
        assert post.events or post.refused_with
        sizes.setdefault(post.sender, set()).add(post.events)
    assert sizes.keys() == set(get_args(SenderName))
    assert all(len(found) > 3 for found in sizes.values())


def test_a_campaigns_list_is_of_one_send_and_another_runs_send_has_another_id(
    made: GeneratedYear, sent: Deliveries
) -> None:
    def heads(deliveries: Deliveries) -> dict[str, str]:
        lists = [post for post in deliveries.posts if post.sender == "campaigns" and not post.refused_with]
        found = [(unquote(post.path.split("/")[3]), orjson.loads(post.body.partition(b"\n")[0])) for post in lists]
        return {head["send_id"]: campaign for campaign, head in found}

    assert set(heads(sent).values()) == {campaign.name for campaign in brand.CAMPAIGNS}
    assert len(heads(sent)) == len(brand.CAMPAIGNS)
    assert heads(sent).keys().isdisjoint(heads(deliveries(made.reports, "another")))


def test_line_uses_its_webhook_and_marks_redeliveries(year: list[dict[str, Any]], sent: Deliveries) -> None:
    events = webhook_events(sent)
    assert {event["webhookEventId"] for event in events} == {
        event["event_id"].removeprefix("line:") for event in year if sender_of(event) == "line"
    }
    assert {len(event["webhookEventId"]) for event in events} == {26}
    repeats = [event for event in events if event["deliveryContext"]["isRedelivery"]]
    assert len(events) - len(repeats) == len({event["webhookEventId"] for event in events})
    assert all(1 <= len(body["events"]) <= 10 for body in posted(sent, "line"))


def test_the_order_of_delivery_is_not_the_order_of_the_events(sent: Deliveries) -> None:
    times = [event["timestamp"] for event in webhook_events(sent)]
    backwards = sum(second < first for first, second in pairwise(times))
    assert backwards > len(times) / 4
    newest, late = 0, 0
    for time in times:
        newest = max(newest, time)
        late += time < newest - 45 * DAY
    assert late > len(times) / 1000


def test_what_is_invalid_is_no_event(year: list[dict[str, Any]], sent: Deliveries) -> None:
    for event in invalid_events(year[0]):
        if event.get("tenant", "demo") == "demo":
            with pytest.raises(InvalidEvent):
                from_dict(complete(event))
    for record in sent.broken:
        with pytest.raises(InvalidEvent):
            decode(record.value)
