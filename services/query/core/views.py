"""Contacts and customers as readers get them: each value of the projections in its shape of the API."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from projections.consents.tables import ConsentRow
from projections.contacts.addresses import Address, may_be_messaged
from projections.contacts.state import ActiveTag, AttributeSetting, ContactState, has_staff, is_social
from projections.contacts.tables import ContactRow
from projections.customers.folds import CustomerRecord
from projections.notifications.tables import NotificationRow
from services.query.core.models import (
    Attribute,
    BindingView,
    Consent,
    Consents,
    ContactView,
    CustomerAttribute,
    CustomerBinding,
    CustomerTag,
    CustomerView,
    Messaging,
    Notification,
    ProfileView,
    SocialBinding,
    Staff,
    Stretch,
    Subscription,
    Tag,
)

_NEVER_STATED: Final = Consent()


def customer_view(customer: CustomerRecord, contacts: Sequence[ContactState]) -> CustomerView:
    """The customer with its contacts, in the order that they come in."""
    identity = customer.identity
    return CustomerView(
        id=identity.customer_id,
        member_id=identity.member_id,
        member_ids=list(identity.member_ids),
        phone=identity.phone,
        email=identity.email,
        name=next(iter(customer.names), None),
        names=list(customer.names),
        contacts=contact_views(contacts, identity.customer_id),
        valid=customer.valid,
        last_customer_interaction_at=customer.last_customer_at,
        last_team_interaction_at=customer.last_team_at,
        last_marketing_at=customer.last_marketing_at,
        first_seen_at=customer.first_seen_at,
        social_bindings=_social_bindings(contacts),
        tags=[
            CustomerTag(
                tag=one.tag,
                count=one.taggings,
                last_at=one.last_at,
                event_id=one.last_event,
                source=one.source,
                expires_at=one.expires_at,
                origin=list(one.origin),
            )
            for one in customer.tags
        ],
        attributes={
            one.key: CustomerAttribute(**_attribute(one).model_dump(), origin=origin)
            for one, origin in customer.attributes
        },
    )


def contact_views(contacts: Iterable[ContactState], customer_id: UUID) -> list[ContactView]:
    """The contacts of one customer."""
    return [contact_view(contact, customer_id) for contact in contacts]


def contact_view(state: ContactState, customer_id: UUID) -> ContactView:
    """The contact as part of this customer."""
    record, row = state.record, state.record.contact
    return ContactView(
        contact=state.key,
        id=row.contact_id,
        customer_id=customer_id,
        by_claim=state.by_claim,
        channel=row.channel,
        account=row.account,
        uid=row.uid,
        profile=ProfileView(display_name=row.display_name, avatar=row.avatar, locale=row.locale),
        subscription=_subscription(state),
        address=list(state.address.contacts),
        valid=state.valid,
        last_customer_interaction_at=row.last_customer_at,
        last_team_interaction_at=row.last_team_at,
        last_marketing_at=row.last_marketing_at,
        first_seen_at=row.first_seen_at,
        consents=_consents(state.address.consents),
        may_be_messaged=_messaging(state.address),
        notifications=[_notification(one) for one in record.notifications],
        tags=[_tag(one) for one in state.tags],
        attributes={one.key: _attribute(one) for one in state.attributes},
        staff=_staff(row),
        social_binding=_social_binding(state),
        bindings=[
            BindingView(via=one.via, bound=one.bound, at=one.at, event_id=one.event_id) for one in record.bindings
        ],
        superseded_by=row.superseded_by,
    )


def _subscription(state: ContactState) -> Subscription:
    history = [Stretch(status=one.status, from_=one.since, to=one.until) for one in state.subscription]
    return Subscription(status=state.status, since=history[0].from_ if history else None, history=history)


def _consents(rows: Iterable[ConsentRow]) -> Consents:
    stated = {row.kind: Consent(allowed=row.allowed, at=row.at) for row in rows}
    return Consents(
        broadcast=stated.get("broadcast", _NEVER_STATED),
        web_push=stated.get("web_push", _NEVER_STATED),
        cart_remarketing=stated.get("cart_remarketing", _NEVER_STATED),
    )


def _messaging(address: Address) -> Messaging:
    return Messaging(
        broadcast=may_be_messaged(address, "broadcast"),
        web_push=may_be_messaged(address, "web_push"),
        cart_remarketing=may_be_messaged(address, "cart_remarketing"),
    )


def _notification(row: NotificationRow) -> Notification:
    return Notification(
        topic=row.topic,
        status="opted_in" if row.active else "opted_out",
        frequency=row.frequency,
        token_present=bool(row.token),
        expires_at=row.expires_at,
        at=row.at,
    )


def _tag(tag: ActiveTag) -> Tag:
    return Tag(
        tag=tag.tag,
        count=tag.taggings,
        last_at=tag.last_at,
        event_id=tag.last_event,
        source=tag.source,
        expires_at=tag.expires_at,
    )


def _attribute(setting: AttributeSetting) -> Attribute:
    return Attribute(
        value=setting.value, type=setting.type, at=setting.at, event_id=setting.event_id, claimed=setting.claimed
    )


def _staff(row: ContactRow) -> Staff | None:
    if row.staff_at is None or not has_staff(row):
        return None
    return Staff(member=row.staff_member, branch=row.staff_branch, at=row.staff_at)


def _social_bindings(contacts: Iterable[ContactState]) -> list[CustomerBinding]:
    """The live ones, the latest first; one that names several identifiers is one."""
    live = {
        (row.at, row.event_id, state.key): CustomerBinding(
            via=row.via, at=row.at, event_id=row.event_id, origin=state.key
        )
        for state in contacts
        for row in state.record.bindings
        if is_social(row)
    }
    return [live[place] for place in sorted(live, reverse=True)]


def _social_binding(state: ContactState) -> SocialBinding:
    binding = state.social_binding
    if binding is None:
        return SocialBinding(bound=False)
    return SocialBinding(bound=True, via=binding.via, at=binding.at, event_id=binding.event_id)
