"""What is true of one contact at one moment."""

from typing import Any

import pytest

from projections.contacts.state import ActiveTag, ContactState, has_staff, state_at
from schemas.events import Event
from tests.support.contact_records import event, record_of
from tests.support.strategies import BASE_MS, DAY_MS

KINDS = ["broadcast", "web_push", "cart_remarketing"]


def state(*events: Event, now: int = BASE_MS + 1000 * DAY_MS) -> ContactState:
    return state_at(record_of(*events), now)


def history(contact: ContactState) -> list[tuple[Any, ...]]:
    return [(one.status, one.since - BASE_MS, one.until and one.until - BASE_MS) for one in contact.subscription]


def test_a_contact_that_never_signalled_a_subscription_has_none() -> None:
    seen = state(event("message.received", 5))
    assert (seen.status, seen.subscription) == ("none", ())
    assert not seen.valid
    assert seen.record.contact.first_seen_at == BASE_MS + 5


def test_the_history_is_newest_first_and_each_period_ends_where_the_next_begins() -> None:
    seen = state(
        event("contact.followed", 1),
        event("contact.followed", 2),
        event("contact.blocked", 3),
        event("contact.followed", 7),
    )
    assert history(seen) == [("subscribed", 7, None), ("blocked", 3, 7), ("subscribed", 1, 3)]


def test_a_blocked_contact_is_so_since_its_first_block() -> None:
    seen = state(event("contact.followed", 1), event("contact.blocked", 3), event("contact.blocked", 4))
    assert (seen.status, history(seen)[0]) == ("blocked", ("blocked", 3, None))
    assert not seen.valid


@pytest.mark.parametrize("refused", [KINDS[:1], KINDS[1:], KINDS[::2]])
def test_a_contact_is_valid_while_any_kind_of_marketing_is_allowed(refused: list[str]) -> None:
    assert state(event("contact.followed"), event("marketing.opted_out", 1, kinds=refused)).valid


def test_a_contact_that_refused_all_three_kinds_is_not_valid() -> None:
    assert not state(event("contact.followed"), event("marketing.opted_out", 1, kinds=KINDS)).valid


def test_a_contact_that_allowed_one_kind_again_is_valid() -> None:
    refused, allowed = event("marketing.opted_out", 1, kinds=KINDS), event("marketing.opted_in", 2, kinds=KINDS[:1])
    assert state(event("contact.followed"), refused, allowed).valid


def test_a_superseded_contact_is_not_valid() -> None:
    other = {"channel": "line", "account": "oa1", "uid": "U2"}
    assert not state(event("contact.followed"), event("contact.superseded", 1, by=other)).valid


def test_a_tag_is_on_the_contact_until_the_moment_it_expires() -> None:
    tagged = event("tag.added", tag="新品", source="bot", expires_after=1)
    end = DAY_MS * 2 - 60_000  # 23:59 of the next day in Taipei, where the year just began
    before = state(tagged, now=BASE_MS + end - 1)
    assert before.tags == (ActiveTag("新品", 1, BASE_MS, tagged.event_id, "bot", BASE_MS + end),)
    assert state(tagged, now=BASE_MS + end).tags == ()


def test_a_removed_tag_is_not_on_the_contact() -> None:
    assert state(event("tag.added", tag="a"), event("tag.removed", 1, tag="a")).tags == ()


def test_a_tag_is_counted() -> None:
    (tag,) = state(event("tag.added", 1, tag="a", source="bot"), event("tag.added", 2, tag="a", source="import")).tags
    assert tag == ActiveTag("a", 2, BASE_MS + 2, "tag.added@2", "import", None)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(True, "boolean"), (False, "boolean"), (7, "number"), (7.5, "number"), ("7", "text"), ("", "text")],
)
def test_an_attribute_keeps_its_type(value: Any, kind: str) -> None:
    (setting,) = state(event("attribute.set", key="k", value=value)).attributes
    assert (setting.value, type(setting.value), setting.type, setting.at) == (value, type(value), kind, BASE_MS)


def test_an_attribute_that_was_unset_has_no_value() -> None:
    assert state(event("attribute.set", key="k", value=1), event("attribute.unset", 1, key="k")).attributes == ()


def test_a_contact_has_staff_until_it_is_unbound() -> None:
    staffed = event("omo.bound", 1, branch="信義")
    assert has_staff(record_of(staffed).contact)
    assert not has_staff(record_of(staffed, event("omo.unbound", 2)).contact)


def bound(at: int, via: str, value: str) -> Event:
    return event("identity.bound", at, via=via, identifiers=[{"type": "x_cookie", "value": value}])


def test_only_the_sites_own_ways_make_a_social_binding() -> None:
    assert state(bound(1, "login", "a"), bound(2, "phone_otp", "b")).social_binding is None


def test_the_social_binding_is_the_latest_live_one() -> None:
    undone = event("identity.unbound", 3, via="bot_button", identifiers=[{"type": "x_cookie", "value": "b"}])
    binding = state(bound(1, "site_button", "a"), bound(2, "bot_button", "b"), undone).social_binding
    assert binding is not None
    assert (binding.via, binding.at) == ("site_button", BASE_MS + 1)
