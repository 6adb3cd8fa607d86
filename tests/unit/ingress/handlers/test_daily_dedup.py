"""What holds all day is said once, and forgetting it does no harm."""

from services.ingress.core.web import Delivery, Site, translate
from services.ingress.handlers.daily_dedup import DailyDedup
from tests.support.web_bodies import MEMBER, RECEIVED_AT, SITE, message

TRACKS = [message("track", event="x", userId=MEMBER, messageId=str(number)) for number in range(3)]
EVENTS = translate(TRACKS, SITE, Delivery(RECEIVED_AT)).events


def types(said: DailyDedup) -> list[str]:
    return [event.type for event in said.news(EVENTS)]


def test_a_login_is_said_once_in_a_request_and_then_not_again() -> None:
    said = DailyDedup()
    assert types(said) == ["identity.bound", "web.tracked", "web.tracked", "web.tracked"]
    assert types(said) == ["identity.bound", "web.tracked", "web.tracked", "web.tracked"]  # nothing acknowledged it
    said.remember(said.news(EVENTS))
    assert types(said) == ["web.tracked", "web.tracked", "web.tracked"]


def test_what_one_tenant_said_another_has_not() -> None:
    said = DailyDedup()
    said.remember(EVENTS)
    other = translate(TRACKS[:1], Site("other", SITE.source, SITE.account), Delivery(RECEIVED_AT)).events
    assert other[0].event_id == EVENTS[0].event_id
    assert [event.type for event in said.news(other)] == ["identity.bound", "web.tracked"]


def test_no_more_is_remembered_than_there_is_room_for() -> None:
    said = DailyDedup(most=1)
    others = translate([message("page", userId="M9")], SITE, Delivery(RECEIVED_AT)).events
    said.remember(EVENTS)
    said.remember(others)
    assert types(said)[0] == "identity.bound"
    assert [event.type for event in said.news(others)] == ["web.tracked"]
