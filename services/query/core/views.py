"""A contact's rows as readers are shown them. The time comes as an argument: rows hold no clock."""

from collections.abc import Iterable
from itertools import pairwise
from uuid import UUID

import orjson

from projections.attributes.tables import AttributeRow
from projections.bindings.tables import SITE_WAYS, BindingRow
from projections.consents.tables import ConsentRow
from projections.contacts.queries import ContactRecord
from projections.contacts.tables import ContactRow
from projections.notifications.tables import NotificationRow
from projections.tags.tables import TagRow
from services.query.core.models import (
    Attribute,
    Binding,
    Consent,
    Consents,
    Contact,
    Notification,
    Profile,
    SocialBinding,
    Staff,
    Status,
    Stretch,
    Subscription,
    Tag,
)


def contact_view(card: ContactRecord, customer_id: UUID, now: int) -> Contact:
    """The contact at this moment, as part of this customer."""
    row = card.contact
    status = status_of(row)
    consents = consents_of(card.consents)
    return Contact(
        contact=card.key,
        id=row.contact_id,
        customer_id=customer_id,
        channel=row.channel,
        account=row.account,
        uid=row.uid,
        profile=Profile(display_name=row.display_name, avatar=row.avatar, locale=row.locale),
        subscription=subscription_of(row),
        valid=is_valid(status, consents, row.superseded_by),
        last_customer_interaction_at=row.last_customer_at,
        last_team_interaction_at=row.last_team_at,
        last_marketing_at=row.last_marketing_at,
        first_seen_at=row.first_seen_at if card.seen else None,
        consents=consents,
        notifications=[_notification(one) for one in card.notifications],
        tags=tags_of(card.tags, now),
        attributes=attributes_of(card.attributes),
        staff=_staff(row),
        social_binding=social_binding_of(card.bindings),
        bindings=[Binding(via=one.via, bound=one.bound, at=one.at) for one in card.bindings],
        superseded_by=row.superseded_by,
    )


def status_of(row: ContactRow) -> Status:
    """Whether the channel reaches the person."""
    if row.subscribed is None:
        return "none"
    return "subscribed" if row.subscribed else "blocked"


def subscription_of(row: ContactRow) -> Subscription:
    """The status and its history: each stretch lasts until the next one begins."""
    runs = orjson.loads(row.runs)
    ends = [after[1] for _, after in pairwise(runs)]
    stretches = [
        Stretch(status="subscribed" if sign else "blocked", from_=since, to=to)
        for (sign, since, *_), to in zip(runs, [*ends, None], strict=False)
    ]
    stretches.reverse()
    return Subscription(status=status_of(row), since=stretches[0].from_ if stretches else None, history=stretches)


def consents_of(rows: Iterable[ConsentRow]) -> Consents:
    """Each kind as it was last said; allowed where nobody said anything."""
    said = {row.kind: Consent(allowed=row.allowed, at=row.at) for row in rows}
    unsaid = Consent()
    return Consents(
        broadcast=said.get("broadcast", unsaid),
        web_push=said.get("web_push", unsaid),
        cart_remarketing=said.get("cart_remarketing", unsaid),
    )


def is_valid(status: Status, consents: Consents, superseded_by: str | None) -> bool:
    """Whether this is a valid contact (有效聯絡人)."""
    open_to_any = consents.broadcast.allowed or consents.web_push.allowed or consents.cart_remarketing.allowed
    return status == "subscribed" and superseded_by is None and open_to_any


def tags_of(rows: Iterable[TagRow], now: int) -> list[Tag]:
    """The tags that are on the contact now: neither removed nor run out."""
    return [
        Tag(tag=row.tag, count=row.taggings, last_at=row.last_at, source=row.source, expires_at=row.expires_at)
        for row in rows
        if row.taggings > 0 and row.last_at is not None and (row.expires_at is None or row.expires_at > now)
    ]


def attributes_of(rows: Iterable[AttributeRow]) -> dict[str, Attribute]:
    """The attributes that have a value."""
    return {
        row.key: Attribute(value=orjson.loads(row.value), type=row.type, at=row.at)
        for row in rows
        if row.value is not None and row.type is not None
    }


def social_binding_of(rows: Iterable[BindingRow]) -> SocialBinding:
    """The latest of the live bindings that came by one of the site's ways."""
    live = [row for row in rows if row.bound and row.via in SITE_WAYS]
    if not live:
        return SocialBinding(bound=False)
    latest = max(live, key=lambda row: (row.at, row.event_id))
    return SocialBinding(bound=True, via=latest.via, at=latest.at)


def _notification(row: NotificationRow) -> Notification:
    return Notification(
        topic=row.topic,
        status="opted_in" if row.active else "opted_out",
        frequency=row.frequency,
        token_present=bool(row.token),
        expires_at=row.expires_at,
        at=row.at,
    )


def _staff(row: ContactRow) -> Staff | None:
    if row.staff_at is None or (row.staff_member is None and row.staff_branch is None):
        return None
    return Staff(member=row.staff_member, branch=row.staff_branch, at=row.staff_at)
