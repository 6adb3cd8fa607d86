"""Evidence of identity: bindings, unbindings, decisions by staff, and member ids that became another's."""

from typing import Literal

from pydantic import Field

from schemas.events.base import AssertedIdentifier, Frozen, IdentifierValue, Properties, Text, Word
from schemas.events.envelope import ContactRef, Event

Via = Literal[
    "site_button",
    "cart_tracker",
    "bot_button",
    "phone_otp",
    "omnilink",
    "login",
    "api",
    "import",
    "channel",
]


class Binding(Frozen):
    """Identifiers of this contact, and another contact of the same person.

    ``by`` and ``note`` are the member of the team that stated it, and the reason, if it was the team.
    """

    identifiers: list[AssertedIdentifier] = Field(default_factory=list)
    linked_contact: ContactRef | None = None
    via: Via = "api"
    by: Word | None = None
    note: Text | None = None


class IdentityBound(Event):
    """The contact has these identifiers."""

    type: Literal["identity.bound"]
    data: Binding


class IdentityUnbound(Event):
    """The contact does not have these identifiers (retracted whatever their assurance)."""

    type: Literal["identity.unbound"]
    data: Binding


class StaffDecision(Frozen):
    """The decision of a member of staff about two contacts."""

    other: ContactRef
    decision: Literal["same", "different", "undecided"]
    by: Word
    note: Text | None = None


class IdentityDecided(Event):
    """Staff decided whether two contacts are one person."""

    type: Literal["identity.decided"]
    data: StaffDecision


class Superseding(Frozen):
    """The contact that takes this one's place, on the same account; ``payload`` keeps what else the channel has."""

    by: ContactRef
    payload: Properties | None = None


class ContactSuperseded(Event):
    """The channel gave the person another id; this contact is no longer reached."""

    type: Literal["contact.superseded"]
    data: Superseding


class MemberMerging(Frozen):
    """The member id is read as ``into`` from now on; null, or the id itself, takes an earlier merge back.

    ``by`` is who stated it.
    """

    member_id: IdentifierValue
    into: IdentifierValue | None = None
    by: Word | None = None


class MemberMerged(Event):
    """A member id became another one. The event concerns the tenant, so it has no contact."""

    type: Literal["member.merged"]
    data: MemberMerging


EVENTS = (IdentityBound, IdentityUnbound, IdentityDecided, ContactSuperseded, MemberMerged)
