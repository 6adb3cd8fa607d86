"""What holds all day is sent once, and forgetting it does no harm."""

from services.ingress.core.web import Delivery, Site, translate
from services.ingress.handlers.daily_dedup import DailyDedup
from tests.support.web_bodies import MEMBER, RECEIVED_AT, SITE, message

TRACKS = [message("track", event="x", userId=MEMBER, messageId=str(number)) for number in range(3)]
EVENTS = translate(TRACKS, SITE, Delivery(RECEIVED_AT)).events


def types(dedup: DailyDedup) -> list[str]:
    return [event.type for event in dedup.new_events(EVENTS)]


def test_a_login_is_said_once_in_a_request_and_then_not_again() -> None:
    dedup = DailyDedup()
    assert types(dedup) == ["identity.bound", "web.tracked", "web.tracked", "web.tracked"]
    assert types(dedup) == ["identity.bound", "web.tracked", "web.tracked", "web.tracked"]  # nothing acknowledged it
    dedup.remember(dedup.new_events(EVENTS))
    assert types(dedup) == ["web.tracked", "web.tracked", "web.tracked"]


def test_what_one_tenant_said_another_has_not() -> None:
    dedup = DailyDedup()
    dedup.remember(EVENTS)
    other = translate(TRACKS[:1], Site("other", SITE.source, SITE.account), Delivery(RECEIVED_AT)).events
    assert other[0].event_id == EVENTS[0].event_id
    assert [event.type for event in dedup.new_events(other)] == ["identity.bound", "web.tracked"]


def test_no_more_is_remembered_than_there_is_room_for() -> None:
    dedup = DailyDedup(most=1)
    others = translate([message("page", userId="M9")], SITE, Delivery(RECEIVED_AT)).events
    dedup.remember(EVENTS)
    dedup.remember(others)
    assert types(dedup)[0] == "identity.bound"
    assert [event.type for event in dedup.new_events(others)] == ["web.tracked"]
