"""Events as bubbles of a conversation."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events.registry import EVENT_TYPES
from services.console.core.conversation import FILTERS, bubbles, filter_types
from services.console.core.names import Names
from services.query.core.models import TimelineEvent

NAMES = Names(str)


def an_event(type_name: str, at: int = 1, **data: Any) -> TimelineEvent:
    return TimelineEvent(
        event_id=f"e{at}",
        type=type_name,
        occurred_at=at,
        received_at=at,
        source="test",
        data=data,
        contact="line:oa:U1",
    )


def test_the_oldest_event_of_a_page_comes_first() -> None:
    page = [an_event("message.received", 2, text="b"), an_event("message.received", 1, text="a")]
    assert [one.text for one in bubbles(page, NAMES)] == ["a", "b"]


def test_the_team_is_on_the_other_side_and_named() -> None:
    customer, team = bubbles(
        [
            an_event("team.message_sent", 2, text="hi", purpose="conversation", agent="Amy"),
            an_event("message.received", 1, text="hello"),
        ],
        NAMES,
    )
    assert (customer.side, team.side, team.by) == ("customer", "team", "Amy")


def test_a_broadcast_says_that_it_is_one() -> None:
    (sent,) = bubbles([an_event("team.message_sent", text="sale", purpose="broadcast")], NAMES)
    assert sent.what == "Message from the team · Broadcast"


def test_an_unsent_message_is_marked_and_empty() -> None:
    (unsent,) = bubbles([an_event("message.received", unsent=True)], NAMES)
    assert (unsent.mark, unsent.text) == ("unsent", "")


def test_what_is_no_message_says_what_happened() -> None:
    binding = an_event("identity.bound", identifiers=[{"type": "phone", "value": "+886911"}], via="phone_otp")
    (shown,) = bubbles([binding], NAMES)
    assert (shown.side, shown.text) == ("between", "phone number +886911 · phone by one-time code")


def test_a_binding_to_another_contact_names_it() -> None:
    other = {"channel": "web", "account": "shop", "uid": "c1"}
    (shown,) = bubbles([an_event("identity.bound", linked_contact=other, via="site_button")], NAMES)
    assert shown.text == "Website c1 · site button"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("page_viewed", "Looked at a page"),
        ("Product Added", "Put a product into the cart"),
        ("productViewed", "Looked at a product"),
        ("lucky_draw", "lucky draw"),
        ("抽獎_參加", "抽獎_參加"),
    ],
)
def test_steps_on_the_website_are_words_and_not_codes(name: str, shown: str) -> None:
    (bubble,) = bubbles([an_event("web.tracked", event=name, url="https://shop.example/")], NAMES)
    assert bubble.text == f"{shown} · https://shop.example/"


@pytest.mark.parametrize(
    ("type_name", "data", "shown"),
    [
        ("contact.followed", {"via": "add_friend"}, "added as a friend"),
        ("team.message_status", {"status": "failed"}, "not delivered"),
        ("identity.decided", {"decision": "different"}, "different people"),
    ],
)
def test_codes_of_events_have_words(type_name: str, data: dict[str, Any], shown: str) -> None:
    (bubble,) = bubbles([an_event(type_name, **data)], NAMES)
    assert bubble.text == shown


def test_a_message_without_a_text_says_of_which_kind_it_is() -> None:
    (bubble,) = bubbles([an_event("message.received", kind="image")], NAMES)
    assert bubble.what == "Message · picture"


def test_every_type_of_a_filter_is_a_type_of_event() -> None:
    assert {one for types in FILTERS.values() for one in types} <= set(EVENT_TYPES)


def test_an_unknown_filter_is_the_first_one() -> None:
    assert filter_types("nothing") == filter_types("messages")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
FIELDS = [
    "text",
    "kind",
    "payload",
    "identifiers",
    "kinds",
    "via",
    "tag",
    "url",
    "agent",
    "purpose",
    "unsent",
    "linked_contact",
]


@given(st.sampled_from(sorted(EVENT_TYPES)), st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_whatever_an_event_holds_it_has_a_bubble(type_name: str, data: dict[str, Any]) -> None:
    (shown,) = bubbles([an_event(type_name, **data)], NAMES)
    assert isinstance(shown.text, str)
