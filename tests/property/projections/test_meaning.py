"""What the folded rows mean, against the sentences of the design read naively over the whole set of events."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import orjson
import sqlalchemy as sa
from hypothesis import given

from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.consents.tables import TABLE as CONSENTS
from projections.contacts.tables import TABLE as CONTACTS_TABLE
from projections.engine.metadata import Rows
from projections.erasures.folds import unerased
from projections.reference import fold_log
from projections.registry import PROJECTIONS
from projections.tags.tables import TABLE as TAGS
from schemas.events import Event
from tests.support.strategies import CONTACTS, event_lists
from tests.support.twin import contact_events, crowded

LINE, FACEBOOK = CONTACTS[0], CONTACTS[3]
IMPLICIT = {"message.received", "bot.interacted"}
SIGNALS = ["contact.followed", "contact.blocked", "message.received", "bot.interacted"]
TAIPEI = timezone(timedelta(hours=8))


def rows_of(table: sa.Table, events: Sequence[Event]) -> Rows:
    return fold_log(PROJECTIONS, contact_events(events))[table]


def in_order(events: Sequence[Event]) -> list[Event]:
    once = {event.event_id: event for event in events}
    return sorted(once.values(), key=lambda event: event.stamp)


def sign(event: Event) -> bool | None:
    if event.type in ("contact.followed", "contact.blocked"):
        return event.type == "contact.followed"
    return True if event.contact == FACEBOOK and event.type in IMPLICIT else None


@given(event_lists(types=SIGNALS, contacts=[LINE, FACEBOOK], conflicts=False))
def test_status_is_the_latest_sign_and_subscribed_at_the_first_plus_after_the_last_minus(events: list[Event]) -> None:
    events = crowded(events)
    for row in rows_of(CONTACTS_TABLE, events).values():
        mine = [one for one in in_order(events) if one.contact and one.contact.channel == row[2]]
        signs = [(sign(one), one.occurred_at) for one in mine if sign(one) is not None]
        since = None
        for plus, at in signs:
            since = (since or at) if plus else None
        assert row.subscribed == (signs[-1][0] if signs else None)  # type: ignore[attr-defined]
        assert row.subscribed_at == since  # type: ignore[attr-defined]


@given(event_lists(types=["tag.added", "tag.removed"], contacts=[LINE], conflicts=False))
def test_a_tag_counts_its_taggings_since_it_was_last_removed_or_expired(events: list[Event]) -> None:
    events = crowded(events)
    counts: dict[str, int] = {}
    ends: dict[str, datetime | None] = {}
    for event in in_order(events):
        if event.contact is None:
            continue
        tag, days = event.data.tag, event.data.expires_after  # type: ignore[union-attr]
        at = datetime.fromtimestamp(event.occurred_at / 1000, UTC).astimezone(TAIPEI)
        end = ends.get(tag)
        if event.type == "tag.removed" or (end is not None and at >= end):
            counts[tag] = 0
        if event.type == "tag.added":
            counts[tag] = counts.get(tag, 0) + 1
            last_day = at + timedelta(days=days or 0)
            ends[tag] = last_day.replace(hour=23, minute=59, second=0, microsecond=0) if days else None
        else:
            ends[tag] = None
    assert {row[2]: row[3] for row in rows_of(TAGS, events).values()} == counts


@given(event_lists(types=["marketing.opted_in", "marketing.opted_out"], contacts=[LINE], conflicts=False))
def test_the_latest_consent_decides_and_on_a_tie_the_denial(events: list[Event]) -> None:
    events = crowded(events)
    for row in rows_of(CONSENTS, events).values():
        mine = [one for one in events if one.contact and row[2] in one.data.kinds]  # type: ignore[union-attr]
        latest = max(one.occurred_at for one in mine)
        denied = any(one.type == "marketing.opted_out" for one in mine if one.occurred_at == latest)
        assert row[3] is not denied
        assert row[4] == latest


@given(event_lists(contacts=[LINE, FACEBOOK], conflicts=False))
def test_the_three_times_are_maxima_over_their_kinds_of_event(events: list[Event]) -> None:
    events = crowded(events)
    customer = IMPLICIT | {"message.edited", "message.unsent", "contact.followed"}
    left = [one.event for one in unerased(contact_events(events))]
    for row in rows_of(CONTACTS_TABLE, events).values():
        mine = [one for one in left if one.contact and one.contact.channel == row[2]]
        sent = [(one.data.purpose, one.occurred_at) for one in mine if one.type == "team.message_sent"]  # type: ignore[union-attr]
        expected = (
            max((one.occurred_at for one in mine if one.type in customer), default=None),
            max((at for purpose, at in sent if purpose == "conversation"), default=None),
            max((at for purpose, at in sent if purpose in ("broadcast", "cart_remarketing")), default=None),
        )
        assert (row.last_customer_at, row.last_team_at, row.last_marketing_at) == expected  # type: ignore[attr-defined]


@given(event_lists(types=["attribute.set", "attribute.unset"], contacts=[LINE], conflicts=False))
def test_an_attribute_is_the_latest_that_is_no_claim_and_only_else_the_latest_claim(events: list[Event]) -> None:
    events = crowded(events)
    for row in rows_of(ATTRIBUTES, events).values():
        mine = [one for one in in_order(events) if one.contact and one.data.key == row[2]]  # type: ignore[union-attr]
        firm = [one for one in mine if one.data.assurance != "claimed"]  # type: ignore[union-attr]
        decides = (firm or mine)[-1]
        value = getattr(decides.data, "value", None)
        assert (row.at, row.event_id) == decides.stamp  # type: ignore[attr-defined]
        assert (None if row.value is None else orjson.loads(row.value)) == value  # type: ignore[attr-defined]
        assert row.claimed is not bool(firm)  # type: ignore[attr-defined]


@given(event_lists(types=["profile.updated"], contacts=[LINE], conflicts=False))
def test_a_name_is_the_latest_that_is_no_claim_and_only_else_the_latest_claim(events: list[Event]) -> None:
    events = crowded(events)
    for row in rows_of(CONTACTS_TABLE, events).values():
        named = [one for one in in_order(events) if one.contact and one.data.display_name is not None]  # type: ignore[union-attr]
        firm = [one for one in named if one.data.assurance != "claimed"]  # type: ignore[union-attr]
        name = (firm or named)[-1].data.display_name if named else None  # type: ignore[union-attr]
        assert row.display_name == name  # type: ignore[attr-defined]
