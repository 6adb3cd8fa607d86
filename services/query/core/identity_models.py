"""The shapes of answers about identity. Times are in milliseconds since 1970, UTC."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.query.core.models import ContactKeyText, Shape, Timestamp

Reason = Annotated[
    str,
    Field(
        description="why it joins nothing: `shared_device`, `superseded`, `generic`, `shared`, `exclusive_conflict` or "
        "`decided_different` for a refused link; `retracted`, `no_tier`, `too_many_claims`, `other_session`, "
        "`no_value` or `blocked` for what was set aside before it could be one",
        examples=["shared"],
    ),
]
Session = Annotated[
    str | None, Field(description="the member id of a browser's session; null for every other contact", examples=["M7"])
]
TypeName = Annotated[str, Field(examples=["phone"])]


class EvidenceEvent(Shape):
    """Events that state a tie in one way: the latest of them, and when the first was."""

    event_id: Annotated[str, Field(examples=["api:login-1"])]
    at: Timestamp
    first_at: Timestamp
    says: Literal["intrinsic", "verified", "stated", "claimed", "retracted", "decided"]


class Tie(Shape):
    """What ties a contact to a value; with type ``contact``, ``staff`` or ``session``, the value is a contact's key.

    The type ``session`` leads from what a browser stated in an earlier session to the one that it is with.
    """

    contact: ContactKeyText
    session: Session
    type: TypeName
    value: Annotated[str, Field(examples=["+886911111111"])]
    value_session: Annotated[Session, Field(description="the session of a value that is a browser's key")]
    tier: Annotated[int | None, Field(description="1 is the strongest, 0 what staff decided; null if set aside")]
    status: Literal["accepted", "refused", "set_aside"]
    reason: Reason | None
    detail: Annotated[list[str], Field(description="what stood against it: a type and its values, or a pair")]
    events: list[EvidenceEvent]


class ShownValueSetAside(Shape):
    """A value that is no evidence, as it was stated, with the event that stated it."""

    contact: ContactKeyText
    type: TypeName
    value: Annotated[str, Field(examples=["+551"])]
    reason: Annotated[Literal["no_value", "blocked", "too_many_claims"], Field(examples=["no_value"])]
    detail: Annotated[str, Field(examples=["the phone +551 is no valid number"])]
    event_id: str
    at: Timestamp


class SuggestedRemedy(Shape):
    """What would make the two one customer; ``request`` asks for it, where one request does."""

    text: str
    request: Annotated[
        str | None, Field(examples=['POST /v1/members/M8/merge {"into":"M7"}'], description="method, path and body")
    ]


class Side(Shape):
    """One of the two contacts, and the customer that holds it now."""

    contact: ContactKeyText
    session: Session
    id: UUID
    customer_id: UUID


class Explanation(Shape):
    """Why two contacts are one customer, or are not.

    ``together``: the shortest chain of accepted links between them. Apart: the chain with the fewest obstacles, what
    would make them one, and what of the two was no evidence; without any chain, evidence is missing.
    """

    a: Side
    b: Side
    together: bool
    because: Literal["same_contact", "linked", "refused", "set_aside", "missing_evidence"]
    decided_different: Annotated[bool, Field(description="whether staff decided that the two are not one person")]
    chain: list[Tie]
    set_aside: Annotated[
        list[ShownValueSetAside], Field(description="of the two, if they are apart; the first of them")
    ]
    would_join: Annotated[list[SuggestedRemedy], Field(description="what would make them one, if they are apart")]
    complete: Annotated[
        bool, Field(description="false if there was too much to search: a better chain may exist, or one at all")
    ]


class GraphContact(Shape):
    """A contact of the customer, and whether the public's claims alone tie it to the others."""

    contact: ContactKeyText
    session: Session
    id: UUID
    by_claim: Annotated[bool | None, Field(description="null where nothing ties it to another")]


class CustomerLinks(Shape):
    """A customer's contacts, what ties them together, and what does not, page by page.

    The links on one page are in the order in which they were joined: the strongest first, then the earliest.
    """

    id: UUID
    founder: Annotated[
        ContactKeyText | None, Field(description="the contact whose id the customer has; null if it has no event yet")
    ]
    member_id: str | None
    member_ids: Annotated[list[str], Field(description="every spelling of it, and every id that became it")]
    contacts: list[GraphContact]
    accepted: list[Tie]
    refused: list[Tie]
    not_linked: Annotated[list[Tie], Field(description="statements that make no link: taken back, or without weight")]
    set_aside: Annotated[list[ShownValueSetAside], Field(description="values that are none, or are on the block list")]
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]


class Conflict(Shape):
    """What joins nothing: a link that was refused, or a value that was set aside."""

    contact: ContactKeyText
    session: Session
    contact_id: UUID
    customer_id: Annotated[UUID, Field(description="the customer that holds the contact now")]
    type: TypeName
    value: Annotated[str, Field(examples=["+886911111111"])]
    value_session: Session
    status: Literal["refused", "set_aside"]
    tier: Annotated[int | None, Field(description="null if set aside")]
    reason: Reason
    detail: Annotated[list[str], Field(description="what stood against it, or a sentence on what was set aside")]
    at: Annotated[Timestamp, Field(description="since when the link would hold, or when the value was stated")]
    event_id: Annotated[str | None, Field(description="the event of a value that was set aside")]


class ConflictPage(Shape):
    """Conflicts, newest first."""

    conflicts: list[Conflict]
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]
