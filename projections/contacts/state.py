"""What is true of a contact at one moment, as a pure function of its rows.

Rows hold no clock: whether a tag has run out depends on the moment, which is an argument.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import orjson

from projections.attributes.tables import AttributeRow
from projections.bindings.tables import SITE_WAYS, BindingRow
from projections.consents.tables import ConsentRow
from projections.contacts.records import ContactRecord
from projections.contacts.tables import ContactRow
from projections.tags.tables import TagRow

MARKETING_KINDS: Final = frozenset({"broadcast", "web_push", "cart_remarketing"})
SubscriptionStatus = Literal["subscribed", "blocked", "none"]


class SubscriptionPeriod(NamedTuple):
    """A time during which the subscription had one status, in ms; the present one has no end."""

    status: Literal["subscribed", "blocked"]
    since: int
    until: int | None


class ActiveTag(NamedTuple):
    """A tag on a contact: how often it was put there since it was last removed or expired, and the last time."""

    tag: str
    taggings: int
    last_at: int
    source: str | None
    expires_at: int | None


class AttributeSetting(NamedTuple):
    """A custom attribute that has a value, the value's type, and the event that set it."""

    key: str
    value: bool | int | float | str
    type: str
    at: int
    event_id: str


@dataclass(frozen=True, slots=True)
class ContactState:
    """A contact at one moment.

    ``subscription`` is newest first. ``tags`` are those on the contact, ``attributes`` those that have a value, both in
    the order of their names. ``social_binding`` is the latest live binding that came by one of the site's own ways.
    """

    record: ContactRecord
    key: str
    status: SubscriptionStatus
    subscription: tuple[SubscriptionPeriod, ...]
    valid: bool
    tags: tuple[ActiveTag, ...]
    attributes: tuple[AttributeSetting, ...]
    social_binding: BindingRow | None

    @property
    def first_seen_at(self) -> int | None:
        """When the contact's first event happened; None if it has none."""
        return self.record.contact.first_seen_at if self.record.seen else None


def state_at(record: ContactRecord, now: int) -> ContactState:
    """The contact at the moment ``now``, in ms since 1970."""
    row = record.contact
    return ContactState(
        record=record,
        key=record.key,
        status=subscription_status(row),
        subscription=tuple(subscription_periods(row.runs)),
        valid=is_valid(row, record.consents),
        tags=tuple(active_tags(record.tags, now)),
        attributes=tuple(set_attributes(record.attributes)),
        social_binding=social_binding(record.bindings),
    )


def states_at(records: Iterable[ContactRecord], now: int) -> list[ContactState]:
    """The contacts at the moment ``now``, in the order of their keys."""
    return sorted((state_at(record, now) for record in records), key=lambda state: state.key)


def is_valid(row: ContactRow, consents: Iterable[ConsentRow]) -> bool:
    """Whether this is a valid contact (有效聯絡人).

    A valid contact is subscribed, was not superseded, and has not opted out of all three kinds of marketing.
    """
    refused = {consent.kind for consent in consents if not consent.allowed}
    return row.subscribed is True and row.superseded_by is None and not refused >= MARKETING_KINDS


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


def active_tags(rows: Iterable[TagRow], now: int) -> list[ActiveTag]:
    """The tags that are on the contact: neither removed nor expired."""
    return [
        ActiveTag(row.tag, row.taggings, row.last_at, row.source, row.expires_at)
        for row in rows
        if row.taggings > 0 and row.last_at is not None and (row.expires_at is None or row.expires_at > now)
    ]


def set_attributes(rows: Iterable[AttributeRow]) -> list[AttributeSetting]:
    """The attributes that have a value."""
    return [
        AttributeSetting(row.key, orjson.loads(row.value), row.type, row.at, row.event_id)
        for row in rows
        if row.value is not None and row.type is not None
    ]


def has_staff(row: ContactRow) -> bool:
    """Whether a member of staff or a branch looks after the contact (綁定成員, 分店)."""
    return row.staff_member is not None or row.staff_branch is not None


def social_binding(rows: Iterable[BindingRow]) -> BindingRow | None:
    """The latest live binding that came by one of the site's own ways (官網綁定), if there is one."""
    live = (row for row in rows if row.bound and row.via in SITE_WAYS)
    return max(live, key=lambda row: (row.at, row.event_id), default=None)
