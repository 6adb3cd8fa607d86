"""What readers are shown of one contact."""

from typing import Any

import pytest

from projections.contacts.state import state_at
from schemas.events import Event
from services.query.core.models import ContactView, Staff, Tag
from services.query.core.views import contact_view
from tests.support.contact_records import event, record_of
from tests.support.strategies import BASE_MS, DAY_MS

KINDS = ["broadcast", "web_push", "cart_remarketing"]


def view(*events: Event, now: int = BASE_MS + 1000 * DAY_MS) -> ContactView:
    record = record_of(*events)
    return contact_view(state_at(record, now), record.contact.contact_id)


def test_a_contact_without_a_subscription_shows_none() -> None:
    seen = view(event("message.received", 5))
    assert (seen.subscription.status, seen.subscription.since, seen.subscription.history) == ("none", None, [])
    assert not seen.valid
    assert seen.first_seen_at == seen.last_customer_interaction_at == BASE_MS + 5


def test_a_subscription_is_shown_since_its_present_period_began() -> None:
    seen = view(event("contact.followed", 1), event("contact.blocked", 3), event("contact.blocked", 4))
    assert (seen.subscription.status, seen.subscription.since) == ("blocked", BASE_MS + 3)


def test_the_history_is_written_from_and_to() -> None:
    written = view(event("contact.followed")).model_dump(mode="json", by_alias=True)
    assert written["subscription"]["history"] == [{"status": "subscribed", "from": BASE_MS, "to": None}]


@pytest.mark.parametrize("refused", [KINDS[:1], KINDS[1:], KINDS[::2]])
def test_the_kinds_that_were_refused_are_shown(refused: list[str]) -> None:
    seen = view(event("contact.followed"), event("marketing.opted_out", 1, kinds=refused))
    assert seen.valid
    assert {kind: getattr(seen.consents, kind).allowed for kind in KINDS} == {
        kind: kind not in refused for kind in KINDS
    }


def test_a_consent_shows_when_it_was_last_said() -> None:
    seen = view(event("marketing.opted_out", 1, kinds=KINDS[:1]), event("marketing.opted_in", 2, kinds=KINDS[:1]))
    assert (seen.consents.broadcast.allowed, seen.consents.broadcast.at) == (True, BASE_MS + 2)
    assert (seen.consents.web_push.allowed, seen.consents.web_push.at) == (True, None)


def test_a_superseded_contact_shows_what_took_its_place() -> None:
    other = {"channel": "line", "account": "oa1", "uid": "U2"}
    seen = view(event("contact.followed"), event("contact.superseded", 1, by=other))
    assert (seen.valid, seen.superseded_by) == (False, "line:oa1:U2")


def test_a_tag_is_shown_until_the_moment_it_expires() -> None:
    tagged = event("tag.added", tag="新品", source="bot", expires_after=1)
    end = DAY_MS * 2 - 60_000  # 23:59 of the next day in Taipei, where the year just began
    before = view(tagged, now=BASE_MS + end - 1)
    assert before.tags == [
        Tag(tag="新品", count=1, last_at=BASE_MS, event_id=tagged.event_id, source="bot", expires_at=BASE_MS + end)
    ]
    assert view(tagged, now=BASE_MS + end).tags == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [(True, "boolean"), (False, "boolean"), (7, "number"), (7.5, "number"), ("7", "text"), ("", "text")],
)
def test_an_attribute_keeps_its_type(value: Any, kind: str) -> None:
    shown = view(event("attribute.set", key="k", value=value)).attributes["k"]
    assert (shown.value, type(shown.value), shown.type, shown.at) == (value, type(value), kind, BASE_MS)


def test_an_attribute_that_was_unset_is_not_shown() -> None:
    assert view(event("attribute.set", key="k", value=1), event("attribute.unset", 1, key="k")).attributes == {}


def test_staff_is_shown_until_unbound() -> None:
    bound = event("omo.bound", 1, member="陳店長", branch="信義")
    assert view(bound).staff == Staff(member="陳店長", branch="信義", at=BASE_MS + 1)
    assert view(bound, event("omo.unbound", 2)).staff is None


def bound(at: int, via: str, value: str) -> Event:
    return event("identity.bound", at, via=via, identifiers=[{"type": "x_cookie", "value": value}])


def test_a_binding_by_another_way_is_listed_and_makes_no_social_binding() -> None:
    seen = view(bound(1, "login", "a"), bound(2, "phone_otp", "b"))
    assert (seen.social_binding.bound, seen.social_binding.via, seen.social_binding.at) == (False, None, None)
    assert [one.via for one in seen.bindings] == ["login", "phone_otp"]


def test_the_latest_live_way_is_shown_beside_all_bindings() -> None:
    undone = event("identity.unbound", 3, via="bot_button", identifiers=[{"type": "x_cookie", "value": "b"}])
    seen = view(bound(1, "site_button", "a"), bound(2, "bot_button", "b"), undone)
    assert (seen.social_binding.bound, seen.social_binding.via) == (True, "site_button")
    assert [(one.via, one.bound) for one in seen.bindings] == [("site_button", True), ("bot_button", False)]


def test_a_notification_says_that_there_is_a_token_and_not_which() -> None:
    seen = view(event("notification.opted_in", topic="新品", token="secret", frequency="weekly"))
    assert [(one.status, one.token_present, one.frequency) for one in seen.notifications] == [
        ("opted_in", True, "weekly")
    ]
    assert "secret" not in seen.model_dump_json()
