"""What a website's messages repeat all day is sent once, and a browser ends with whom it was last used by."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Event
from services.ingress.core.web import Delivery, translate
from services.ingress.handlers.daily_dedup import DailyDedup
from tests.support.web_bodies import MEMBER, RECEIVED_AT, SITE, VISITOR, message

TRACKS = [message("track", event="x", userId=MEMBER, messageId=str(number)) for number in range(3)]
EVENTS = translate(TRACKS, SITE, Delivery(RECEIVED_AT)).events
DAY_MS = 86_400_000


def types(dedup: DailyDedup) -> list[str]:
    return [event.type for event in dedup.new_events(EVENTS)]


def seen(member: str, at: int, kind: str = "track", **fields: Any) -> list[Event]:
    """The events of a message of the member at the browser, so many ms after the beginning."""
    time = RECEIVED_AT - 40 * DAY_MS + at
    given = message(kind, event="x", userId=member, messageId=f"{member}@{at}", timestamp=time, **fields)
    return list(translate([given], SITE, Delivery(RECEIVED_AT)).events)


def logins(events: list[Event]) -> list[str]:
    """The ids of those of the events that say who is logged in on the browser."""
    return [event.event_id for event in events if event.contact and event.contact.uid == VISITOR]


def sent(dedup: DailyDedup, *events: list[Event]) -> list[Event]:
    """What is sent of each request, and acknowledged."""
    found = []
    for request in events:
        new = dedup.new_events(request)
        dedup.remember(new)
        found += new
    return found


def test_the_member_and_the_login_are_said_once_in_a_request_and_then_not_again() -> None:
    dedup = DailyDedup()
    once = ["identity.bound", "identity.bound", "web.tracked", "web.tracked", "web.tracked"]
    new = dedup.new_events(EVENTS)
    assert [event.type for event in new] == once
    dedup.forget(new)  # nothing acknowledged it
    new = dedup.new_events(EVENTS)
    assert [event.type for event in new] == once
    dedup.remember(new)
    assert types(dedup) == ["web.tracked", "web.tracked", "web.tracked"]


def test_a_browser_that_comes_back_to_a_member_within_a_day_says_so() -> None:
    events = sent(DailyDedup(), seen("A", 1), seen("B", 2), seen("A", 3), seen("A", 4))
    assert logins(events) == ["web:seen:A@1", "web:seen:B@2", "web:seen:A@3"]


def test_so_it_does_within_one_request() -> None:
    events = sent(DailyDedup(), [*seen("A", 1), *seen("B", 2), *seen("A", 3), *seen("A", 4)])
    assert logins(events) == ["web:seen:A@1", "web:seen:B@2", "web:seen:A@3"]


def test_the_next_day_is_another_login() -> None:
    assert len(logins(sent(DailyDedup(), seen("A", 1), seen("A", DAY_MS), seen("A", DAY_MS + 1)))) == 2


def test_an_identify_is_said_each_time_and_remembered() -> None:
    events = sent(DailyDedup(), seen("A", 1, "identify"), seen("A", 2, "identify"), seen("A", 3))
    assert logins(events) == ["web:browser:A@1", "web:browser:A@2"]


def test_a_proven_login_is_not_taken_for_a_claimed_one() -> None:
    claimed, verified = seen("A", 1), seen("A", 2)
    proven = verified[1].model_copy(update={"data": verified[1].data.model_copy(update=_verified())})  # type: ignore[union-attr]
    assert len(logins(sent(DailyDedup(), claimed, [proven]))) == 2
    assert len(logins(sent(DailyDedup(), [proven], seen("A", 3)))) == 1


def _verified() -> dict[str, Any]:
    identifier = seen("A", 2)[1].data.identifiers[0]  # type: ignore[union-attr]
    return {"identifiers": [identifier.model_copy(update={"assurance": "verified"})]}


uses = st.lists(
    st.tuples(st.sampled_from("AB"), st.integers(0, 2 * DAY_MS)), min_size=1, max_size=8, unique_by=lambda one: one[1]
)


def ends_with(events: list[Event]) -> str:
    """The member of the browser's last login."""
    last = max((one for one in events if logins([one])), key=lambda one: one.occurred_at)
    return str(last.data.identifiers[0].value)  # type: ignore[union-attr]


@given(uses)
def test_what_is_left_out_never_changes_whom_a_browser_ends_with(used: list[tuple[str, int]]) -> None:
    """In whatever order the messages come."""
    events = sent(DailyDedup(), *(seen(*one) for one in used))
    assert ends_with(events) == max(used, key=lambda one: one[1])[0]


@given(uses, st.integers(0, 8))
def test_a_process_that_begins_anew_in_between_changes_nothing(used: list[tuple[str, int]], place: int) -> None:
    used.sort(key=lambda one: one[1])
    events = sent(DailyDedup(), *(seen(*one) for one in used[:place]))
    events += sent(DailyDedup(), *(seen(*one) for one in used[place:]))
    assert ends_with(events) == used[-1][0]


def test_a_late_message_of_another_member_brings_back_the_login_that_was_left_out() -> None:
    events = sent(DailyDedup(), seen("A", 1), seen("A", 5), seen("A", 9), seen("B", 3), seen("B", 4))
    assert logins(events) == ["web:seen:A@1", "web:seen:B@3", "web:seen:A@9"]
    brought_back = next(
        event for event in events if event.event_id == "web:seen:A@9" and event.type == "identity.bound"
    )
    assert brought_back == seen("A", 9)[1]


def test_who_logged_in_of_late_is_known() -> None:
    dedup = DailyDedup()
    sent(dedup, seen("A", 1), seen("B", 2))
    assert dedup.recent_members("qingshan", ["A", "C"]) == ["A"]
    assert dedup.recent_members("other", ["A"]) == []


def test_what_one_tenant_said_another_has_not() -> None:
    dedup = DailyDedup()
    dedup.remember(dedup.new_events(EVENTS))
    other = translate(TRACKS[:1], replace(SITE, tenant="other"), Delivery(RECEIVED_AT)).events
    assert other[0].event_id == EVENTS[0].event_id
    assert [event.type for event in dedup.new_events(other)] == [
        "identity.bound",
        "identity.bound",
        "web.tracked",
    ]


def test_no_more_is_remembered_than_there_is_room_for() -> None:
    dedup = DailyDedup(most=1)
    others = translate([message("page", userId="M9", anonymousId="c9")], SITE, Delivery(RECEIVED_AT)).events
    dedup.remember(dedup.new_events(EVENTS))
    dedup.remember(dedup.new_events(others))
    assert [event.type for event in dedup.new_events(others)] == ["web.tracked"]
    assert types(dedup)[:2] == ["identity.bound", "identity.bound"]
