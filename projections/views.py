"""The views for analysts, in the schema ``onefold_views``: what the read models know, with times as ``timestamptz``."""

from typing import Final

import sqlalchemy as sa

from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.consents.tables import TABLE as CONSENTS
from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.tables import CUSTOMER_ROWS
from projections.engine.ids import NO_CONTACT
from projections.engine.views import View, moment
from projections.identity.rules import DEFAULT_VERSION
from projections.identity.tables import CUSTOMERS, MEMBERS, RESOLUTIONS
from projections.tags.tables import TABLE as TAGS
from projections.timeline.tables import TABLE as TIMELINE

_TENANT: Final = {"tenant": "the brand"}
_CONTACT: Final = {"contact_id": "the contact; see the view contacts"}


def _active_resolution(tenant: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """The tenant's active resolution; a tenant that never set a policy has the default one, and no row."""
    active = sa.select(RESOLUTIONS.c.resolution_id).where(
        RESOLUTIONS.c.tenant == tenant, RESOLUTIONS.c.state == "active"
    )
    return sa.func.coalesce(active.scalar_subquery(), sa.literal(DEFAULT_VERSION))


def _contacts() -> sa.Select[tuple[object, ...]]:
    own, member = CONTACTS.c, MEMBERS.c
    same = (member.tenant == own.tenant, member.contact_id == own.contact_id, member.current)
    found = CONTACTS.outerjoin(MEMBERS, sa.and_(*same, member.resolution_id == _active_resolution(own.tenant)))
    return sa.select(
        own.tenant,
        own.contact_id,
        own.channel,
        own.account,
        own.uid,
        # A contact without any evidence is a customer by itself, under its own id.
        sa.func.coalesce(member.customer_id, own.contact_id).label("customer_id"),
        own.display_name,
        own.locale,
        own.subscribed,
        moment(own.subscribed_at).label("subscribed_at"),
        moment(own.first_seen_at).label("first_seen_at"),
        moment(own.last_customer_at).label("last_customer_at"),
        moment(own.last_team_at).label("last_team_at"),
        moment(own.last_marketing_at).label("last_marketing_at"),
        own.superseded_by,
        own.staff_member,
        own.staff_branch,
    ).select_from(found)


def _customers() -> sa.Select[tuple[object, ...]]:
    """The latest times are those of the customer's row, once there is one: it counts a message of an address once."""
    one, row, summed = _contacts().subquery("contact"), CUSTOMERS.c, CUSTOMER_ROWS.c
    same = (row.tenant == one.c.tenant, row.customer_id == one.c.customer_id)
    found = one.outerjoin(CUSTOMERS, sa.and_(*same, row.resolution_id == _active_resolution(one.c.tenant))).outerjoin(
        CUSTOMER_ROWS, sa.and_(summed.tenant == one.c.tenant, summed.customer_id == one.c.customer_id)
    )
    known = (one.c.tenant, one.c.customer_id, row.member_id, row.phone, row.email)
    latest = (
        sa.case(
            (sa.func.bool_or(summed.customer_id.is_not(None)), moment(sa.func.max(summed[name]))),
            else_=sa.func.max(one.c[name]),
        ).label(name)
        for name in ("last_customer_at", "last_team_at", "last_marketing_at")
    )
    return (
        sa.select(
            *known,
            sa.func.count().label("contacts"),
            sa.func.coalesce(sa.func.bool_or(one.c.subscribed), sa.false()).label("subscribed"),
            sa.func.min(one.c.first_seen_at).label("first_seen_at"),
            *latest,
        )
        .select_from(found)
        .group_by(*known)
    )


_TIMES: Final = {
    "first_seen_at": "when the first event happened",
    "last_customer_at": "when the customer last wrote, followed or used a bot",
    "last_team_at": "when the team last wrote in a conversation",
    "last_marketing_at": "when the last broadcast was sent",
}

VIEWS: Final = (
    View(
        "contacts",
        "Every contact: a person's account on one channel, with the customer that it belongs to.",
        _contacts(),
        _TENANT
        | {
            "contact_id": "the contact's own id, which never changes",
            "channel": "line, facebook, instagram, whatsapp, web, crm, ...",
            "account": "the brand's account on the channel",
            "uid": "the contact's id there",
            "customer_id": "the customer that it belongs to now; see the view customers",
            "display_name": "the name that the channel shows",
            "locale": "the language that the channel names",
            "subscribed": "whether it follows the account; null where nothing says so",
            "subscribed_at": "since when it follows the account",
            **_TIMES,
            "superseded_by": "the contact of the same account that took its place",
            "staff_member": "the member of the staff that it is bound to",
            "staff_branch": "the branch that it is bound to",
        },
    ),
    View(
        "customers",
        "Every customer, also one of a single contact of which nothing else is known.",
        _customers(),
        _TENANT
        | {
            "customer_id": "the customer; the id may change when customers are merged or split",
            "member_id": "the brand's own id of the member",
            "phone": "the preferred phone, as it was written",
            "email": "the preferred e-mail address, as it was written",
            "contacts": "how many contacts it has",
            "subscribed": "whether any of its contacts follows its account",
            **_TIMES,
        },
    ),
    View(
        "tags",
        "The tags that contacts have.",
        sa.select(
            TAGS.c.tenant,
            TAGS.c.contact_id,
            TAGS.c.tag,
            TAGS.c.taggings,
            moment(TAGS.c.last_at).label("last_at"),
            TAGS.c.source,
            moment(TAGS.c.expires_at).label("expires_at"),
        ).where(TAGS.c.taggings > 0),
        _TENANT
        | _CONTACT
        | {
            "tag": "the tag",
            "taggings": "how often it was added",
            "last_at": "when it was added last",
            "source": "who added it last",
            "expires_at": "when it ends; null if never. One whose time has passed is still here",
        },
    ),
    View(
        "attributes",
        "The custom attributes that contacts have.",
        sa.select(
            ATTRIBUTES.c.tenant,
            ATTRIBUTES.c.contact_id,
            ATTRIBUTES.c.key,
            ATTRIBUTES.c.value,
            ATTRIBUTES.c.type,
            moment(ATTRIBUTES.c.at).label("at"),
        ).where(ATTRIBUTES.c.value.is_not(None)),
        _TENANT
        | _CONTACT
        | {"key": "its name", "value": "its value, as JSON", "type": "the value's type", "at": "when it was set"},
    ),
    View(
        "consents",
        "What contacts allow or refuse. A kind without a row was never refused.",
        sa.select(
            CONSENTS.c.tenant,
            CONSENTS.c.contact_id,
            CONSENTS.c.kind,
            CONSENTS.c.allowed,
            moment(CONSENTS.c.at).label("at"),
            CONSENTS.c.by,
        ),
        _TENANT
        | _CONTACT
        | {
            "kind": "the kind of marketing",
            "allowed": "whether it is allowed",
            "at": "since when",
            "by": "by whose word",
        },
    ),
    View(
        "timeline",
        "Every event, also those that are about no contact.",
        sa.select(
            TIMELINE.c.tenant,
            sa.func.nullif(TIMELINE.c.contact_id, sa.literal(NO_CONTACT)).label("contact_id"),
            TIMELINE.c.event_id,
            moment(TIMELINE.c.occurred_at).label("occurred_at"),
            moment(TIMELINE.c.received_at).label("received_at"),
            TIMELINE.c.type,
            TIMELINE.c.source,
            TIMELINE.c.data,
            TIMELINE.c.account_key,
        ),
        _TENANT
        | {
            "contact_id": "the contact; null if the event is about none",
            "event_id": "the event's id",
            "occurred_at": "when it happened",
            "received_at": "when Onefold received it",
            "type": "the event's type",
            "source": "who sent it",
            "data": "what the type says, as JSON",
            "account_key": "channel:account that an event without a contact is about",
        },
    ),
)
