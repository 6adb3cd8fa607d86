"""What is true of a contact at one moment, as a pure function of its rows.

Rows hold no clock: whether a tag has run out depends on the moment, which is an argument.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import orjson

from projections.attributes.tables import AttributeRow
from projections.bindings.tables import SITE_WAYS, BindingRow
from projections.contacts.addresses import Address, address_of
from projections.contacts.records import ContactRecord
from projections.contacts.tables import ContactRow
from projections.tags.tables import TagRow

SubscriptionStatus = Literal["subscribed", "blocked", "none"]


class SubscriptionPeriod(NamedTuple):
    """A time during which the subscription had one status, in ms; the present one has no end."""

    status: Literal["subscribed", "blocked"]
    since: int
    until: int | None


class ActiveTag(NamedTuple):
    """A tag on a contact: how often it was put there since it was last removed or expired, and the last event."""

    tag: str
    taggings: int
    last_at: int
    last_event: str
    source: str | None
    expires_at: int | None


class AttributeSetting(NamedTuple):
    """A custom attribute that has a value, the value's type, the event that set it, and whether it is only claimed."""

    key: str
    value: bool | int | float | str
    type: str
    at: int
    event_id: str
    claimed: bool = False


class NameSetting(NamedTuple):
    """A display name, the event that set it, and whether it is only claimed."""

    name: str
    at: int
    event_id: str
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class ContactState:
    """A contact at one moment.

    ``address`` is the address that the contact is part of, or is alone. ``by_claim``
    is whether claims alone tie the contact to its customer. ``tags`` are those on the contact, ``attributes`` those
    that have a value, both in the order of their names. ``social_binding`` is the latest live binding that came by one
    of the site's own ways.
    """

    record: ContactRecord
    key: str
    status: SubscriptionStatus
    address: Address
    by_claim: bool
    name: NameSetting | None
    tags: tuple[ActiveTag, ...]
    attributes: tuple[AttributeSetting, ...]
    social_binding: BindingRow | None

    @property
    def subscription(self) -> tuple[SubscriptionPeriod, ...]:
        """The periods of its subscription, newest first."""
        return tuple(subscription_periods(self.record.contact.runs))

    @property
    def valid(self) -> bool:
        """Whether this is a valid contact (有效聯絡人): its address is valid."""
        return self.address.valid


def state_at(
    record: ContactRecord, now: int, address: Address | None = None, *, by_claim: bool = False
) -> ContactState:
    """The contact at the moment ``now``, in ms since 1970. Without an ``address`` it is one by itself."""
    row = record.contact
    return ContactState(
        record=record,
        key=record.key,
        status=subscription_status(row),
        address=address or address_of([record]),
        by_claim=by_claim,
        name=display_name(row),
        tags=tuple(active_tags(record.tags, now)),
        attributes=tuple(set_attributes(record.attributes)),
        social_binding=social_binding(record.bindings),
    )


def subscription_status(row: ContactRow) -> SubscriptionStatus:
    """Whether the channel reaches the person; ``none`` if no event ever said so either way."""
    if row.subscribed is None:
        return "none"
    return "subscribed" if row.subscribed else "blocked"


def subscription_periods(runs: str) -> list[SubscriptionPeriod]:
    """The periods of a contact's runs (`subscription`), newest first: each ends where the next begins."""
    parsed: Sequence[Sequence[bool | int | str]] = orjson.loads(runs)
    starts = [int(since) for _, since, *_ in parsed]
    ends = [*(after for _, after in pairwise(starts)), None]
    periods = [
        SubscriptionPeriod("subscribed" if sign else "blocked", since, until)
        for (sign, *_), since, until in zip(parsed, starts, ends, strict=False)
    ]
    return periods[::-1]


def display_name(row: ContactRow) -> NameSetting | None:
    """The contact's display name, if it has one."""
    if not row.display_name:
        return None
    stated, at, event_id = orjson.loads(row.stamps)["display_name"]
    return NameSetting(row.display_name, at, event_id, claimed=not stated)


def active_tags(rows: Iterable[TagRow], now: int) -> list[ActiveTag]:
    """The tags that are on the contact: neither removed nor expired."""
    return [
        ActiveTag(row.tag, row.taggings, row.last_at, row.last_event or "", row.source, row.expires_at)
        for row in rows
        if row.taggings > 0 and row.last_at is not None and (row.expires_at is None or row.expires_at > now)
    ]


def set_attributes(rows: Iterable[AttributeRow]) -> list[AttributeSetting]:
    """The attributes that have a value."""
    return [
        AttributeSetting(row.key, orjson.loads(row.value), row.type, row.at, row.event_id, row.claimed)
        for row in rows
        if row.value is not None and row.type is not None
    ]


def has_staff(row: ContactRow) -> bool:
    """Whether a member of staff or a branch looks after the contact (綁定成員, 分店)."""
    return row.staff_member is not None or row.staff_branch is not None


def is_social(row: BindingRow) -> bool:
    """Whether the binding is live and came by one of the site's own ways."""
    return row.bound and row.via in SITE_WAYS


def social_binding(rows: Iterable[BindingRow]) -> BindingRow | None:
    """The latest live binding that came by one of the site's own ways (官網綁定), if there is one."""
    live = (row for row in rows if is_social(row))
    return max(live, key=lambda row: (row.at, row.event_id), default=None)
