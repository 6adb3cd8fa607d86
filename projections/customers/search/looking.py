"""What each condition looks at, and whether that fulfils it (pure)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from projections.contacts.folds import CUSTOMER_TYPES, SENT
from projections.contacts.state import ContactState
from projections.customers.folds import CustomerPlace, CustomerRecord
from projections.customers.rows import account_of
from projections.customers.search import filters
from projections.customers.search.asking import AskedAt
from projections.customers.search.operators import TextTest, TimeTest, number_holds, text_holds, time_holds, value_holds
from projections.customers.search.times import moment_of
from projections.customers.terms import MOST_NAMES, folded, searched_name

MOST_SHOWN: Final = 20  # values of one condition


class Fact(NamedTuple):
    """A value that a condition saw, the contact and the event that it came from, and when; as far as it is known.

    ``contact`` is the contact's key. ``types`` are the types of which the event is one, where only its time is known.
    """

    value: Any
    contact: str | None = None
    at: int | None = None
    event_id: str | None = None
    types: frozenset[str] = frozenset()


class Origin(NamedTuple):
    """Where a value came from: a contact's key, a time, and the event; None where only its time is known."""

    contact: str
    at: int
    event_id: str | None = None


class Searched(NamedTuple):
    """A customer, or one contact of it, at the moment of asking; ``conflicts`` is the number of refused links.

    ``origins`` are those of the member id, phone, e-mail and conflicts, by name, where somebody asks for them.
    """

    customer: CustomerRecord
    contacts: Sequence[ContactState]
    conflicts: int
    origins: Mapping[str, Origin] = MappingProxyType({})


Looked = Iterable[tuple[bool, Fact]]
_NOTHING: Final = Fact(None)
_SENT: Final = frozenset({SENT})


def looked_at(node: filters.FilterNode, one: Searched, asked: AskedAt) -> Looked:
    """Each value that a condition looks at, and whether it fulfils it. The condition has no parts."""
    if look := _OF_CONTACT.get(type(node)):
        return [looked for contact in one.contacts for looked in look(node, contact, asked)]
    return list(_OF_CUSTOMER[type(node)](node, one, asked))


def folded_test(test: TextTest) -> TextTest:
    """A test of names, with its texts as names are compared."""
    listed = None if test.in_ is None else [searched_name(name) for name in test.in_]
    texts = {name: getattr(test, name) for name in ("starts", "contains")}
    parts = {name: None if text is None else folded(text) for name, text in texts.items()}
    return test.model_copy(update={"eq": test.eq and searched_name(test.eq), "in_": listed, **parts})


def _text(test: TextTest, name: str, one: Searched) -> Looked:
    value: str | None = getattr(one.customer.identity, name)
    return [(text_holds(test, value), _from(value, one.origins.get(name)))]


def _from(value: Any, origin: Origin | None) -> Fact:
    return Fact(value) if origin is None else Fact(value, *origin)


def _count(node: filters.ByContactCount, one: Searched) -> Looked:
    """The number, with the first event of the newest contact."""
    at, key = max((contact.record.contact.first_seen_at, contact.key) for contact in one.contacts)
    number = len(one.contacts)
    return [(number_holds(node.contacts, number), Fact(number, key, at))]


def _tag(node: filters.ByTag, one: Searched, asked: AskedAt) -> Looked:
    carried = [(contact, tag) for contact in one.contacts for tag in contact.tags if tag.tag == node.tag]
    count = sum(tag.taggings for _, tag in carried)
    latest = max((tag.last_at for _, tag in carried), default=0)
    holds = (
        count > 0
        and (node.count is None or number_holds(node.count, count))
        and (node.since is None or latest >= moment_of(node.since, asked.now))
    )
    facts = [Fact(tag.taggings, contact.key, tag.last_at, tag.last_event) for contact, tag in carried]
    return [(holds, fact) for fact in facts or [_NOTHING]]


def _names(test: TextTest, one: Searched) -> Looked:
    sources = {contact.name.name: contact for contact in one.contacts if contact.name is not None}
    names = list(islice(one.customer.names, MOST_NAMES))
    for name in names:
        source = sources[name]
        at, event_id = (source.name.at, source.name.event_id) if source.name else (None, None)
        yield text_holds(test, searched_name(name)), Fact(name, source.key, at, event_id)
    if not names:
        yield text_holds(test, None), _NOTHING


def _attribute(node: filters.ByAttribute, customer: CustomerRecord) -> Looked:
    for setting, origin in customer.attributes:
        if setting.key == node.attribute:
            return [(value_holds(node, setting.value), Fact(setting.value, origin, setting.at, setting.event_id))]
    return [(value_holds(node, None), _NOTHING)]


def _latest(test: TimeTest, one: Searched, field: str, types: frozenset[str], asked: AskedAt) -> Looked:
    times = [
        (at, contact.key) for contact in one.contacts if (at := getattr(contact.record.contact, field)) is not None
    ]
    at, key = max(times, default=(None, None))
    return [(time_holds(test, at, asked.now), Fact(at, key, at, types=types))]


def _first_seen(node: filters.ByFirstSeen, one: Searched, asked: AskedAt) -> Looked:
    at, key = min((contact.record.contact.first_seen_at, contact.key) for contact in one.contacts)
    return [(time_holds(node.first_seen, at, asked.now), Fact(at, key, at))]


def _over_quota(node: filters.ByQuota, one: Searched, asked: AskedAt) -> Looked:
    since = one.customer.valid_since
    customer = None if since is None else CustomerPlace(since, one.customer.identity.customer_id)
    for contact in one.contacts:
        over = asked.over_quota(contact.address, customer)
        yield contact.valid and over is node.over_quota, _subscription(contact, over)


def _bound(contact: ContactState) -> list[Fact]:
    one = contact.social_binding
    return [Fact(one.via, contact.key, one.at, one.event_id)] if one else []


def _opted_out(contact: ContactState) -> list[Fact]:
    refused = (one for one in contact.address.consents if not one.allowed)
    return [Fact(one.kind, contact.key, one.at, one.event_id) for one in refused]


def _notified(contact: ContactState) -> list[Fact]:
    active = (one for one in contact.record.notifications if one.active)
    return [Fact(one.topic, contact.key, one.at, one.event_id) for one in active]


def _is(value: Any, wanted: bool, contact: ContactState, shown: Any = None) -> Looked:  # noqa: FBT001 - of a table below
    return [(value is wanted, _subscription(contact, value if shown is None else shown))]


def _words(wanted: bool | Sequence[str], facts: list[Fact], contact: ContactState) -> Looked:  # noqa: FBT001 - the field's value
    if isinstance(wanted, bool):
        return [(wanted, fact) for fact in facts] or [(not wanted, Fact(None, contact.key))]
    return [(fact.value in wanted, fact) for fact in facts] or [(False, Fact(None, contact.key))]


def _from_the_first(contact: ContactState, value: str) -> list[Fact]:
    """What is known of the contact since its first event."""
    return [Fact(value, contact.key, contact.record.contact.first_seen_at)]


def _staff(contact: ContactState, value: str | None) -> list[Fact]:
    row = contact.record.contact
    stamps = orjson.loads(row.stamps)
    return [] if value is None else [Fact(value, contact.key, row.staff_at, stamps["staff"][-1])]


def _subscription(contact: ContactState, value: Any) -> Fact:
    """A value with the event that began the present run of the subscription."""
    runs = orjson.loads(contact.record.contact.runs)
    _, at, event_id, *_ = runs[-1] if runs else (None, None, None)
    return Fact(value, contact.key, at, event_id)


# By the type of the condition; the functions take a condition of that type.
_OF_CUSTOMER: Final[dict[type[filters.Condition], Callable[[Any, Searched, AskedAt], Looked]]] = {
    filters.ByTag: _tag,
    filters.ByMemberId: lambda node, one, _: _text(node.member_id, "member_id", one),
    filters.ByPhone: lambda node, one, _: _text(node.phone, "phone", one),
    filters.ByEmail: lambda node, one, _: _text(node.email, "email", one),
    filters.ByName: lambda node, one, _: _names(folded_test(node.name), one),
    filters.ByAttribute: lambda node, one, _: _attribute(node, one.customer),
    filters.ByContactCount: lambda node, one, _: _count(node, one),
    filters.ById: lambda node, one, _: [
        (one.customer.identity.customer_id in node.id, Fact(str(one.customer.identity.customer_id)))
    ],
    filters.ByConflicts: lambda node, one, _: [
        ((one.conflicts > 0) is node.conflicts, _from(one.conflicts, one.origins.get("conflicts")))
    ],
    filters.ByLastCustomer: lambda node, one, asked: _latest(
        node.last_customer, one, "last_customer_at", CUSTOMER_TYPES, asked
    ),
    filters.ByLastTeam: lambda node, one, asked: _latest(node.last_team, one, "last_team_at", _SENT, asked),
    filters.ByLastMarketing: lambda node, one, asked: _latest(
        node.last_marketing, one, "last_marketing_at", _SENT, asked
    ),
    filters.ByFirstSeen: _first_seen,
    filters.ByQuota: _over_quota,
}
_OF_CONTACT: Final[dict[type[filters.Condition], Callable[[Any, ContactState, AskedAt], Looked]]] = {
    filters.ByChannel: lambda node, contact, _: _words(
        node.channel, _from_the_first(contact, contact.record.contact.channel), contact
    ),
    filters.ByAccount: lambda node, contact, _: _words(
        node.account, _from_the_first(contact, account_of(contact)), contact
    ),
    filters.BySubscription: lambda node, contact, _: _is(
        contact.record.contact.subscribed, node.subscribed, contact, contact.status
    ),
    filters.ByValidity: lambda node, contact, _: _is(contact.valid, node.valid, contact),
    filters.BySubscribedAt: lambda node, contact, asked: [
        (
            time_holds(node.subscribed_at, contact.record.contact.subscribed_at, asked.now),
            _subscription(contact, contact.record.contact.subscribed_at),
        )
    ],
    filters.ByBinding: lambda node, contact, _: _words(node.bound, _bound(contact), contact),
    filters.ByStaff: lambda node, contact, _: _words(
        node.staff, _staff(contact, contact.record.contact.staff_member), contact
    ),
    filters.ByBranch: lambda node, contact, _: _words(
        node.branch, _staff(contact, contact.record.contact.staff_branch), contact
    ),
    filters.ByOptOut: lambda node, contact, _: _words(node.opted_out, _opted_out(contact), contact),
    filters.ByNotifications: lambda node, contact, _: _words(node.notifications, _notified(contact), contact),
}
