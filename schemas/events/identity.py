"""Who is who: bindings, their undoing, and decisions by staff."""

from typing import Literal

from pydantic import Field

from schemas.events.base import AssertedIdentifier, Frozen, Text, Word
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
    """Identifiers said to be this contact's, and another contact said to be the same person.

    ``by`` and ``note`` say who of the team said so and why, where it was one of them.
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
    """The contact does not have these identifiers (both assurances are retracted)."""

    type: Literal["identity.unbound"]
    data: Binding


class Decision(Frozen):
    """What a member of staff decided of two contacts."""

    other: ContactRef
    decision: Literal["same", "different", "undecided"]
    by: Word
    note: Text | None = None


class IdentityDecided(Event):
    """Staff said that two contacts are, or are not, one person."""

    type: Literal["identity.decided"]
    data: Decision


class Superseding(Frozen):
    """The contact that takes this one's place, on the same account."""

    by: ContactRef


class ContactSuperseded(Event):
    """The channel gave the person another id; this contact is no longer reached."""

    type: Literal["contact.superseded"]
    data: Superseding


EVENTS = (IdentityBound, IdentityUnbound, IdentityDecided, ContactSuperseded)
