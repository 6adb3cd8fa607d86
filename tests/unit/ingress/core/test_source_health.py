from datetime import UTC, datetime, timedelta

import pytest

from services.control.source_activity import SourceCounts, SourceHour, SourceOrigin, hour_of
from services.ingress.core.source_health import health_of, without_source

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
REQUESTS = SourceOrigin("acme", "oa", "line", "")
ACCOUNT = SourceOrigin("acme", "oa", "line", "oa1")
Activity = dict[SourceHour, SourceCounts]


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def requests(hours: float = 0, *, accepted: int = 0, unproven: int = 0, refused: int = 0) -> Activity:
    at = ago(hours)
    counts = SourceCounts(requests=accepted, unproven=unproven, refused=refused, last_at=at if accepted else None)
    return {SourceHour(REQUESTS, hour_of(at)): counts}


def events(hours: float, number: int, origin: SourceOrigin = ACCOUNT) -> Activity:
    return {SourceHour(origin, hour_of(ago(hours))): SourceCounts(events=number, last_at=ago(hours))}


@pytest.mark.parametrize(
    ("activity", "state"),
    [
        ({}, "waiting"),
        (requests(unproven=1), "failing"),
        (requests(accepted=1), "quiet"),
        (requests(accepted=1) | events(0, 1), "ok"),
        (requests(30, accepted=1) | events(30, 1), "quiet"),
        (requests(accepted=9, unproven=1) | events(0, 1), "warning"),
        (requests(accepted=9, refused=1) | events(0, 1), "warning"),
        (requests(accepted=1, unproven=5) | events(0, 1), "failing"),
        (requests(5, accepted=9, unproven=10) | events(0, 1), "warning"),
        (requests(30, accepted=9, unproven=10) | events(0, 1), "ok"),
    ],
)
def test_the_state_says_what_has_to_be_looked_at(activity: Activity, state: str) -> None:
    assert health_of("oa", activity, NOW).state == state
    assert health_of("oa", activity, NOW, disabled=True).state == "disabled"
    assert health_of("another", activity, NOW).state == "waiting"


def test_events_are_counted_by_hour_and_account_and_the_last_one_is_known_for_longer() -> None:
    other = ACCOUNT._replace(account="oa2")
    activity = events(0, 3) | events(0, 4, other) | events(23, 5) | events(24, 6) | events(100, 7)
    found = health_of("oa", activity | requests(accepted=2), NOW)
    assert (found.events, found.events_this_hour, found.hours[0]) == (12, 7, 5)
    assert [(one.account, one.events) for one in found.accounts] == [("oa1", 8), ("oa2", 4)]
    assert health_of("oa", events(100, 7), NOW).last_event_at == ago(100)


def test_what_came_from_no_source_is_listed_by_account() -> None:
    by_key = SourceOrigin("acme", "crm-sync", "crm", "crm")
    found = without_source(events(0, 3) | events(1, 2, by_key) | requests(accepted=1), ["oa"], NOW)
    assert [(one.channel, one.account, one.events) for one in found] == [("crm", "crm", 2)]


def test_an_account_that_several_senders_name_is_listed_once() -> None:
    one, other = (SourceOrigin("acme", source, "line", "oa1") for source in ("", "bot"))
    found = without_source(events(0, 3, one) | events(0, 2, other) | events(1, 4, other), ["oa"], NOW)
    assert [(health.account, health.events, health.hours[-1]) for health in found] == [("oa1", 9, 5)]
