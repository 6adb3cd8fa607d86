"""The shapes of answers about identity. Times are in milliseconds since 1970, UTC."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.query.core.models import ContactKeyText, Shape, Timestamp

Reason = Annotated[
    str,
    Field(
        description="why it joins nothing: `shared_device`, `generic`, `shared`, `exclusive_conflict` or "
        "`decided_different` for a refused link; `blocked`, `retracted`, `unaccepted` or `superseded_value` for what "
        "was set aside before it could be one",
        examples=["shared"],
    ),
]


class EvidenceEvent(Shape):
    """An event behind a tie: the first one, the latest that still counts, or the one that took it back."""

    event_id: Annotated[str, Field(examples=["api:login-1"])]
    at: Timestamp
    says: Literal["first", "verified", "claimed", "retracted", "decided"]


class Tie(Shape):
    """What ties a contact to a value; with type ``contact`` or ``staff``, the value is another contact's key."""

    contact: ContactKeyText
    type: Annotated[str, Field(examples=["phone"])]
    value: Annotated[str, Field(examples=["+886911111111"])]
    tier: Annotated[int | None, Field(description="1 is the strongest, 0 what staff decided; null if set aside")]
    status: Literal["accepted", "refused", "set_aside"]
    reason: Reason | None
    detail: Annotated[list[str], Field(description="what stood against it: a type and its values, or a pair")]
    events: list[EvidenceEvent]


class Side(Shape):
    """One of the two contacts, and the customer that holds it now."""

    contact: ContactKeyText
    id: UUID
    customer_id: UUID


class Explanation(Shape):
    """Why two contacts are one customer, or are not.

    ``together``: the shortest chain of accepted links between them. Apart: the chain with the fewest obstacles;
    without any chain, evidence is missing.
    """

    a: Side
    b: Side
    together: bool
    because: Literal["same_contact", "linked", "refused", "missing_evidence"]
    decided_different: Annotated[bool, Field(description="whether staff decided that the two are not one person")]
    chain: list[Tie]


class GraphContact(Shape):
    """A contact of the customer."""

    contact: ContactKeyText
    id: UUID


class CustomerLinks(Shape):
    """A customer's contacts and all links of them and to them, the strongest, then earliest first."""

    id: UUID
    founder: ContactKeyText
    member_id: str | None
    contacts: list[GraphContact]
    accepted: list[Tie]
    refused: list[Tie]


class Conflict(Shape):
    """A link that was refused: it joins nothing."""

    contact: ContactKeyText
    contact_id: UUID
    customer_id: Annotated[UUID, Field(description="the customer that holds the contact now")]
    type: Annotated[str, Field(examples=["phone"])]
    value: Annotated[str, Field(examples=["+886911111111"])]
    tier: int
    reason: Reason
    detail: list[str]
    at: Annotated[Timestamp, Field(description="when the last was stated of what it took")]


class ConflictPage(Shape):
    """Conflicts, newest first."""

    conflicts: list[Conflict]
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]
