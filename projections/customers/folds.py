"""Sums up a customer's contacts.

The summary is a function of the set of contacts. Their order does not matter, and it keeps nothing of its own: when a
customer is split, each contact still has exactly what it brought.

A claim adds and never overrides: the names and each attribute are those that are not only claimed, of contacts that
more than claims tie to the customer, where there is any such value, and only else the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from projections.attributes.tables import MOST_CLAIMED
from projections.contacts.addresses import address_of, addresses_of
from projections.contacts.records import ContactRecord
from projections.contacts.state import ActiveTag, AttributeSetting, ContactState, NameSetting, state_at


class CustomerIdentity(NamedTuple):
    """A customer's id and the strongest identifiers of its contacts.

    ``member_ids`` are the spellings, and the ids merged into it, that led to ``member_id``; sorted.
    """

    customer_id: UUID
    member_id: str | None = None
    phone: str | None = None
    email: str | None = None
    member_ids: tuple[str, ...] = ()


class CustomerPlace(NamedTuple):
    """A customer's place in the order in which customers became valid."""

    valid_since: int
    customer_id: UUID


class OwnContact(NamedTuple):
    """A contact of a customer, and whether claims alone tie it. ``intrinsic`` are its live ones, as (type, value)."""

    record: ContactRecord
    by_claim: bool = False
    intrinsic: frozenset[tuple[str, str]] = frozenset()


class TagTotal(NamedTuple):
    """A tag of any of the contacts: the counts added up, the latest time with its event and source.

    ``expires_at`` is when the last of them expires, None if one never does. ``origin`` are the keys of the contacts
    that carry the tag, sorted.
    """

    tag: str
    taggings: int
    last_at: int
    last_event: str
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

    ``names`` are the contacts' display names, each once, the latest first. ``valid`` is whether any contact is, and
    ``valid_since`` when the latest of its valid addresses subscribed. Tags and attributes are in the order of their
    names.
    """

    identity: CustomerIdentity
    names: tuple[str, ...]
    valid: bool
    first_seen_at: int
    last_customer_at: int | None
    last_team_at: int | None
    last_marketing_at: int | None
    tags: tuple[TagTotal, ...]
    attributes: tuple[LatestAttribute, ...]
    valid_since: int | None = None


def states_of(contacts: Iterable[OwnContact], now: int) -> list[ContactState]:
    """A customer's contacts at the moment ``now``, in the order of their keys, each with its address."""
    by_key = {one.record.key: one for one in contacts}
    states = []
    for keys in addresses_of({key: one.intrinsic for key, one in by_key.items()}):
        address = address_of([by_key[key].record for key in keys])
        states += [state_at(by_key[key].record, now, address, by_claim=by_key[key].by_claim) for key in keys]
    return sorted(states, key=lambda state: state.key)


def summarise(identity: CustomerIdentity, contacts: Iterable[ContactState]) -> CustomerRecord:
    """The customer that these contacts, at least one, are."""
    ordered = sorted(contacts, key=lambda contact: contact.key)
    rows = [contact.record.contact for contact in ordered]
    return CustomerRecord(
        identity=identity,
        names=tuple(_names(ordered)),
        valid=any(contact.valid for contact in ordered),
        first_seen_at=min(row.first_seen_at for row in rows),
        last_customer_at=max(_known(row.last_customer_at for row in rows), default=None),
        last_team_at=max(_known(row.last_team_at for row in rows), default=None),
        last_marketing_at=max(_known(row.last_marketing_at for row in rows), default=None),
        tags=tuple(_tags(ordered)),
        attributes=tuple(_attributes(ordered)),
        valid_since=max((one.address.place.subscribed_at for one in ordered if one.address.place), default=None),
    )


def _names(contacts: Sequence[ContactState]) -> list[str]:
    named = [(contact, contact.name) for contact in contacts if contact.name is not None]
    firm = [one for one in named if not (one[0].by_claim or one[1].claimed)]
    latest = sorted(firm or named, key=_stamp_of_name, reverse=True)
    return list(dict.fromkeys(setting.name for _, setting in latest))


def _stamp_of_name(one: tuple[ContactState, NameSetting]) -> tuple[int, str, str]:
    contact, setting = one
    return (setting.at, setting.event_id, contact.key)


def _tags(contacts: Iterable[ContactState]) -> list[TagTotal]:
    carried: dict[str, list[tuple[str, ActiveTag]]] = {}
    for contact in contacts:
        for tag in contact.tags:
            carried.setdefault(tag.tag, []).append((contact.key, tag))
    return [_total(name, carried[name]) for name in sorted(carried)]


def _total(name: str, carried: Sequence[tuple[str, ActiveTag]]) -> TagTotal:
    _, last = max(carried, key=lambda one: (one[1].last_at, one[0]))
    ends = [tag.expires_at for _, tag in carried if tag.expires_at is not None]
    return TagTotal(
        tag=name,
        taggings=sum(tag.taggings for _, tag in carried),
        last_at=last.last_at,
        last_event=last.last_event,
        source=last.source,
        expires_at=max(ends) if len(ends) == len(carried) else None,
        origin=tuple(sorted(key for key, _ in carried)),
    )


def _attributes(contacts: Sequence[ContactState]) -> list[LatestAttribute]:
    """Of each attribute the latest value, by time and event; one by claim only where there is no other.

    Of those that are only claimed the `MOST_CLAIMED` latest. Unsetting an attribute on one contact takes back that
    contact's own value, not another's.
    """
    found: dict[str, tuple[tuple[bool, int, str, str], LatestAttribute]] = {}
    for contact in contacts:
        for setting in contact.attributes:
            firm = not (contact.by_claim or setting.claimed)
            rank = (firm, setting.at, setting.event_id, contact.key)
            if setting.key not in found or found[setting.key][0] < rank:
                found[setting.key] = (rank, LatestAttribute(setting, contact.key))
    claimed = sorted((rank, key) for key, (rank, latest) in found.items() if latest.setting.claimed)
    for _, key in claimed[:-MOST_CLAIMED]:
        del found[key]
    return [found[key][1] for key in sorted(found)]


def _known(times: Iterable[int | None]) -> Iterable[int]:
    return (time for time in times if time is not None)
