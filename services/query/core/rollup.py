"""Many contacts as one customer.

The roll-up is a function of the set of contacts and keeps nothing of its own: in whatever order they come it is the
same, and when a customer falls apart each contact still has exactly what it brought.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from projections.contacts.queries import ContactRecord
from services.query.core.models import Contact, Customer, CustomerAttribute, CustomerTag, Tag
from services.query.core.views import attributes_of, contact_view


class Known(NamedTuple):
    """A customer, by what it is known best."""

    customer_id: UUID
    member_id: str | None = None
    phone: str | None = None
    email: str | None = None


def customer_view(known: Known, cards: Sequence[ContactRecord], now: int) -> Customer:
    """The customer that these contacts, at least one, are."""
    contacts = contacts_view(known.customer_id, cards, now)
    return Customer(
        id=known.customer_id,
        member_id=known.member_id,
        phone=known.phone,
        email=known.email,
        names=names_of(contacts),
        contacts=contacts,
        valid=any(one.valid for one in contacts),
        last_customer_interaction_at=_latest(one.last_customer_interaction_at for one in contacts),
        last_team_interaction_at=_latest(one.last_team_interaction_at for one in contacts),
        last_marketing_at=_latest(one.last_marketing_at for one in contacts),
        first_seen_at=min((one.first_seen_at for one in contacts if one.first_seen_at is not None), default=None),
        tags=union_of_tags(contacts),
        attributes=latest_attributes(cards),
    )


def contacts_view(customer_id: UUID, cards: Iterable[ContactRecord], now: int) -> list[Contact]:
    """The customer's contacts, in the order of their keys."""
    return sorted((contact_view(card, customer_id, now) for card in cards), key=lambda one: one.contact)


def names_of(contacts: Iterable[Contact]) -> list[str]:
    """The names that the contacts go by, each once, in the order of the contacts."""
    return list(dict.fromkeys(one.profile.display_name for one in contacts if one.profile.display_name))


def union_of_tags(contacts: Iterable[Contact]) -> list[CustomerTag]:
    """Every tag that any of the contacts carries, once."""
    carried: dict[str, list[tuple[str, Tag]]] = {}
    for one in contacts:
        for tag in one.tags:
            carried.setdefault(tag.tag, []).append((one.contact, tag))
    return [_united(carried[name]) for name in sorted(carried)]


def latest_attributes(cards: Iterable[ContactRecord]) -> dict[str, CustomerAttribute]:
    """Of each attribute the latest value that stands, by time and event, with the contact it comes from.

    Unsetting an attribute on one contact takes back that contact's own value, not another's.
    """
    ordered = sorted(
        ((row.key, row.at, row.event_id, card.key, row) for card in cards for row in card.attributes),
        key=lambda one: one[:4],
    )
    return {
        key: CustomerAttribute(**dict(attribute), origin=origin)
        for key, _, _, origin, row in ordered  # a later one takes an earlier one's place
        for attribute in attributes_of([row]).values()
    }


def _united(carried: Sequence[tuple[str, Tag]]) -> CustomerTag:
    tags = [tag for _, tag in carried]
    _, last = max(carried, key=lambda one: (one[1].last_at, one[0]))
    ends = [tag.expires_at for tag in tags if tag.expires_at is not None]
    return CustomerTag(
        tag=last.tag,
        count=sum(tag.count for tag in tags),
        last_at=last.last_at,
        source=last.source,
        expires_at=max(ends) if len(ends) == len(tags) else None,
        origin=sorted(key for key, _ in carried),
    )


def _latest(times: Iterable[int | None]) -> int | None:
    return max((time for time in times if time is not None), default=None)
