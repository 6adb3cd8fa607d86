"""Laws of the roll-up: a function of the set of contacts, that keeps nothing of its own."""

from random import Random
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.contacts.queries import ContactRecord
from schemas.events import Event
from services.query.core.models import Contact, Customer, Tag
from services.query.core.rollup import Known, contacts_view, customer_view
from tests.support.cards import cards_of, event
from tests.support.examples import examples
from tests.support.strategies import BASE_MS, CONTACTS, DAY_MS, event_lists

# On a busy machine drawing lives of whole contacts is slow; that says nothing about the laws.
LAW = settings(max_examples=examples(50), deadline=None, suppress_health_check=[HealthCheck.too_slow])
ID = UUID(int=1)
NOW = BASE_MS + 2 * DAY_MS
TYPES = ("tag.added", "tag.removed", "attribute.set", "attribute.unset", "message.received", "contact.followed")
events = event_lists(contacts=CONTACTS[:4], types=TYPES, min_size=1, max_size=10).filter(
    lambda drawn: any(one.contact for one in drawn)
)


def roll_up(cards: list[ContactRecord], now: int = NOW) -> Customer:
    return customer_view(Known(ID), cards, now)


def customer(*events: Event, now: int = NOW) -> Customer:
    return roll_up(cards_of(events), now)


@LAW
@given(events, st.randoms(use_true_random=False))
def test_the_order_of_contacts_does_not_matter(drawn: list[Event], random: Random) -> None:
    cards = cards_of(drawn)
    shuffled = random.sample(cards, len(cards))
    assert roll_up(shuffled).model_dump_json() == roll_up(cards).model_dump_json()


@LAW
@given(events, st.data())
def test_splitting_gives_each_its_own_back(drawn: list[Event], data: st.DataObject) -> None:
    cards = cards_of(drawn)
    whole = roll_up(cards)
    part = data.draw(st.lists(st.sampled_from(cards), min_size=1, unique_by=lambda card: card.key))
    keys = {card.key for card in part}
    assert roll_up(part).contacts == [one for one in whole.contacts if one.contact in keys]
    assert roll_up(part) == customer(*(one for one in drawn if one.contact and one.contact.key in keys))


@LAW
@given(events)
def test_a_customer_of_one_contact_is_that_contact(drawn: list[Event]) -> None:
    card = cards_of(drawn)[0]
    (contact,) = contacts_view(ID, [card], NOW)
    alone = roll_up([card])
    own = {"origin": True}
    assert [tag.model_dump(exclude=own) for tag in alone.tags] == [tag.model_dump() for tag in contact.tags]
    assert {key: one.model_dump(exclude=own) for key, one in alone.attributes.items()} == {
        key: one.model_dump() for key, one in contact.attributes.items()
    }
    assert all(tag.origin == [card.key] for tag in alone.tags)
    assert alone.valid == contact.valid


@LAW
@given(events)
def test_every_origin_carries_what_it_is_the_origin_of(drawn: list[Event]) -> None:
    whole = roll_up(cards_of(drawn))
    contacts = {one.contact: one for one in whole.contacts}
    for tag in whole.tags:
        carried = [_tags(contacts[key])[tag.tag] for key in tag.origin]
        assert len(tag.origin) == sum(tag.tag in _tags(one) for one in contacts.values())
        assert tag.count == sum(one.count for one in carried)
        assert tag.last_at == max(one.last_at for one in carried)
    for key, attribute in whole.attributes.items():
        assert contacts[attribute.origin].attributes[key].value == attribute.value
        assert attribute.at == max(one.attributes[key].at for one in contacts.values() if key in one.attributes)


@LAW
@given(events)
def test_times_are_the_latest_of_any_contact(drawn: list[Event]) -> None:
    whole = roll_up(cards_of(drawn))
    for name in ("last_customer_interaction_at", "last_team_interaction_at", "last_marketing_at"):
        own = [getattr(one, name) for one in whole.contacts]
        assert getattr(whole, name) == max((time for time in own if time is not None), default=None)
    assert whole.first_seen_at == min(one.first_seen_at or 0 for one in whole.contacts)


def test_the_same_tag_on_two_channels_is_one_tag_of_the_customer() -> None:
    web, line = "web:shop:c1", "line:oa1:U1"
    both = customer(
        event("tag.added", 1, contact=line, tag="VIP", source="manual"),
        event("tag.added", 2, contact=web, tag="VIP", source="journey"),
        event("tag.added", 3, contact=web, tag="VIP", source="journey"),
    )
    (tag,) = both.tags
    assert (tag.count, tag.last_at, tag.source, tag.origin) == (3, BASE_MS + 3, "journey", [line, web])


def test_a_tag_that_one_contact_has_for_good_does_not_run_out() -> None:
    def tagged(days: int | None) -> Customer:
        first = event("tag.added", contact="web:shop:c1", tag="VIP", expires_after=9)
        return customer(first, event("tag.added", contact="line:oa1:U1", tag="VIP", expires_after=days), now=BASE_MS)

    assert tagged(None).tags[0].expires_at is None
    assert tagged(3).tags[0].expires_at == BASE_MS + 10 * DAY_MS - 60_000


def test_unsetting_an_attribute_takes_back_the_contacts_own_value_only() -> None:
    web, line = "web:shop:c1", "line:oa1:U1"
    said = [
        event("attribute.set", 1, contact=line, key="city", value="台北"),
        event("attribute.set", 2, contact=web, key="city", value="高雄"),
    ]
    assert customer(*said).attributes["city"].origin == web
    after = customer(*said, event("attribute.unset", 3, contact=web, key="city")).attributes["city"]
    assert (after.value, after.origin) == ("台北", line)


def _tags(contact: Contact) -> dict[str, Tag]:
    return {tag.tag: tag for tag in contact.tags}
