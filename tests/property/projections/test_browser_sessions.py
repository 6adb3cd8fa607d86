"""A browser's name and attributes are those that were said in the session that it is with, read literally."""

from itertools import pairwise
from random import Random
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from projections.contacts.records import ContactRecord
from projections.customers.sessions import PROFILE, current_spans, has_past_sessions, in_session
from projections.identity.resolution.nodes import Sessions
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import evidence_in, resolve
from projections.identity.resolution.statements import log_of
from projections.timeline.tables import PROFILE_TYPES
from schemas.events import Event
from tests.support.contact_records import event, records_of
from tests.support.strategies import BASE_MS
from tests.support.twin import contact_events

BROWSER: Final = "web:shop:c1"
MOMENTS: Final = st.integers(0, 8)
logins: Final = st.builds(
    lambda at, member, number: event(
        "identity.bound",
        at,
        contact=BROWSER,
        event_id=f"login-{number}",
        via="login",
        identifiers=[{"type": "member_id", "value": member}],
    ),
    MOMENTS,
    st.sampled_from(["A", "B", "C"]),
    st.integers(0, 20),
)
sayings: Final = st.one_of(
    st.builds(
        lambda at, key, value: event(
            "attribute.set", at, contact=BROWSER, event_id=f"set-{at}-{key}", key=key, value=value
        ),
        MOMENTS,
        st.sampled_from(["city", "birthday"]),
        st.integers(0, 3),
    ),
    st.builds(
        lambda at, key: event("attribute.unset", at, contact=BROWSER, event_id=f"unset-{at}-{key}", key=key),
        MOMENTS,
        st.sampled_from(["city", "birthday"]),
    ),
    st.builds(
        lambda at, name, locale: event(
            "profile.updated", at, contact=BROWSER, event_id=f"named-{at}", display_name=name, locale=locale
        ),
        MOMENTS,
        st.none() | st.sampled_from(["小美", "大明"]),
        st.none() | st.sampled_from(["zh-TW", "en"]),
    ),
)
# One event id is one event here: of copies that differ, which counts is the timeline's law.
histories: Final = st.builds(
    lambda first, several, said: list({one.event_id: one for one in [first, *several, *said]}.values()),
    logins,
    st.lists(logins, max_size=6),
    st.lists(sayings, min_size=1, max_size=12),
)


def sessions_in(events: list[Event]) -> Sessions:
    """The browser's logins, by the rules of identity."""
    return resolve(evidence_in(log_of(events)), Policy()).nodes[BROWSER].sessions


def session_at(events: list[Event], at: int) -> str:
    """The member id of the last login up to then; before the first login, of the first."""
    made = sorted((one.occurred_at, one.event_id, login(one)) for one in events if one.type == "identity.bound")
    until_then = [value for time, _, value in made if time <= at]
    return until_then[-1] if until_then else made[0][2]


def login(one: Event) -> str:
    value: str = one.model_dump()["data"]["identifiers"][0]["value"]
    return value


def shown(record: ContactRecord) -> tuple[object, ...]:
    profile = tuple(getattr(record.contact, name) for name in PROFILE)
    return (*profile, [(one.key, one.value, one.at) for one in record.attributes if one.value is not None])


@given(histories, st.randoms(use_true_random=False))
def test_a_browser_shows_what_its_current_session_said(events: list[Event], random: Random) -> None:
    current = max((one.occurred_at, one.event_id, login(one)) for one in events if one.type == "identity.bound")[2]
    said = [one for one in events if one.type in PROFILE_TYPES]
    counting = [one for one in said if session_at(events, one.occurred_at) == current]
    (whole,) = records_of(events)
    nothing_said = event("web.tracked", contact=BROWSER, event="view")
    (literal,) = records_of([nothing_said, *counting])
    sessions = sessions_in(events)
    spans = current_spans(sessions)
    within = [one for one in said if any(since <= one.occurred_at < until for since, until in spans)]
    found = in_session(whole, contact_events(random.sample(within, len(within))))
    assert shown(found) == shown(literal)
    if not has_past_sessions(sessions):
        assert shown(whole) == shown(literal)


@given(st.lists(logins, min_size=1, max_size=8, unique_by=lambda one: one.event_id))
def test_spans_are_apart_and_the_latest_first(events: list[Event]) -> None:
    sessions = sessions_in(events)
    spans = current_spans(sessions)
    assert all(since < until for since, until in spans)
    assert all(later.since >= earlier.until for later, earlier in pairwise(spans))
    for at in range(BASE_MS - 1, BASE_MS + 10):
        assert any(since <= at < until for since, until in spans) == (sessions.at(at) == sessions.last)
