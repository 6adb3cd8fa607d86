"""Sums up a customer's contacts.

The summary is a function of the set of contacts. Their order does not matter, and it keeps nothing of its own: when a
customer is split, each contact still has exactly what it brought.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from projections.contacts.state import ActiveTag, AttributeSetting, ContactState


class CustomerIdentity(NamedTuple):
    """A customer's id and the strongest identifiers of its contacts."""

    customer_id: UUID
    member_id: str | None = None
    phone: str | None = None
    email: str | None = None


class TagTotal(NamedTuple):
    """A tag of any of the contacts: the counts added up, the latest time and its source.

    ``expires_at`` is when the last of them expires, None if one never does. ``origin`` are the keys of the contacts
    that carry the tag, sorted.
    """

    tag: str
    taggings: int
    last_at: int
    source: str | None
    expires_at: int | None
    origin: tuple[str, ...]


class LatestAttribute(NamedTuple):
    """The latest value of an attribute among the contacts, and the key of the contact that has it."""

    setting: AttributeSetting
    origin: str


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """A customer, summed up from its contacts; times in ms, None for never.

    ``names`` are the contacts' display names, each once, in the order of the contacts' keys. ``valid`` is whether any
    contact is. Tags and attributes are in the order of their names.
    """

    identity: CustomerIdentity
    names: tuple[str, ...]
    valid: bool
    first_seen_at: int | None
    last_customer_at: int | None
    last_team_at: int | None
    last_marketing_at: int | None
    tags: tuple[TagTotal, ...]
    attributes: tuple[LatestAttribute, ...]


def summarise(identity: CustomerIdentity, contacts: Iterable[ContactState]) -> CustomerRecord:
    """The customer that these contacts, at least one, are."""
    ordered = sorted(contacts, key=lambda contact: contact.key)
    rows = [contact.record.contact for contact in ordered]
    return CustomerRecord(
        identity=identity,
        names=tuple(dict.fromkeys(row.display_name for row in rows if row.display_name)),
        valid=any(contact.valid for contact in ordered),
        first_seen_at=min(_known(contact.first_seen_at for contact in ordered), default=None),
        last_customer_at=max(_known(row.last_customer_at for row in rows), default=None),
        last_team_at=max(_known(row.last_team_at for row in rows), default=None),
        last_marketing_at=max(_known(row.last_marketing_at for row in rows), default=None),
        tags=tuple(_tags(ordered)),
        attributes=tuple(_attributes(ordered)),
    )


def _tags(contacts: Iterable[ContactState]) -> list[TagTotal]:
    carried: dict[str, list[tuple[str, ActiveTag]]] = {}
    for contact in contacts:
        for tag in contact.tags:
            carried.setdefault(tag.tag, []).append((contact.key, tag))
    return [_total(name, carried[name]) for name in sorted(carried)]


def _total(name: str, carried: Sequence[tuple[str, ActiveTag]]) -> TagTotal:
    last_at, _, source = max((tag.last_at, key, tag.source) for key, tag in carried)
    ends = [tag.expires_at for _, tag in carried if tag.expires_at is not None]
    return TagTotal(
        tag=name,
        taggings=sum(tag.taggings for _, tag in carried),
        last_at=last_at,
        source=source,
        expires_at=max(ends) if len(ends) == len(carried) else None,
        origin=tuple(sorted(key for key, _ in carried)),
    )


def _attributes(contacts: Iterable[ContactState]) -> list[LatestAttribute]:
    """Of each attribute the latest value, by time and event.

    Unsetting an attribute on one contact takes back that contact's own value, not another's.
    """
    latest: dict[str, LatestAttribute] = {}
    for contact in contacts:
        for setting in contact.attributes:
            one = LatestAttribute(setting, contact.key)
            known = latest.get(setting.key)
            if known is None or _rank(known) < _rank(one):
                latest[setting.key] = one
    return [latest[key] for key in sorted(latest)]


def _rank(one: LatestAttribute) -> tuple[int, str, str]:
    return (one.setting.at, one.setting.event_id, one.origin)


def _known(times: Iterable[int | None]) -> Iterable[int]:
    return (time for time in times if time is not None)
