"""The shapes of a tenant's identity policy, of its adoption, and of what another policy would change."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from services.query.core.models import ContactKeyText, Shape, Timestamp

Version = Annotated[str, Field(description="the event that set it, or `default`", examples=["default"])]
PolicyPart = Annotated[
    int | str | list[str] | dict[str, Any] | None, Field(description="a value of this part", examples=[10])
]
PolicyText = Annotated[dict[str, Any], Field(examples=[{"types": {"phone": {"claimed": None, "limit": 4}}}])]


class PolicyChange(Shape):
    """A part of a policy that differs from another policy.

    Of a block list, ``before`` has the patterns that were taken off, and ``after`` those that were added. Of a type
    that only one of the two has, the other side is null.
    """

    part: Annotated[str, Field(examples=["types.phone.limit"])]
    before: PolicyPart
    after: PolicyPart


class PolicyVersion(Shape):
    """A policy that was set, with its author and the reason, and what it changed."""

    version: Version
    set_at: Timestamp
    by: str | None
    note: str | None
    changes: Annotated[
        list[PolicyChange], Field(description="against the policy that was set before, of the first one: the default")
    ]


class PolicySettings(Shape):
    """A policy as it was set. What it leaves out is as in the default policy."""

    version: Version
    policy: PolicyText


class Adoption(Shape):
    """A policy that is being adopted: until it is done, everything is resolved and read by the one before."""

    version: Version
    statements: Annotated[int, Field(ge=0, description="how much there was to resolve again when it began")]
    done: Annotated[int, Field(ge=0)]


class PolicyStatus(Shape):
    """The policy by which customers are what they are now, whole, and what comes next."""

    version: Version
    policy: PolicyText
    adopting: Annotated[Adoption | None, Field(description="null if nothing is being adopted")]
    versions: Annotated[list[PolicyVersion], Field(description="what was set, the latest first; the last hundred")]


class WishedPolicy(Shape):
    """A policy to try: what it leaves out is as in the default policy."""

    policy: PolicyText


class Piece(Shape):
    """Contacts of an example that are a customer on the other side."""

    id: UUID
    size: Annotated[int, Field(ge=1)]
    contacts: list[ContactKeyText]


class Example(Shape):
    """A customer with its contacts, the first thousand of them, and what it is made of or falls into."""

    id: UUID
    size: Annotated[int, Field(ge=1)]
    contacts: list[ContactKeyText]
    pieces: list[Piece]


class Kinds(Shape):
    """How many customers there are of a kind, and the fifty largest."""

    count: Annotated[int, Field(ge=0)]
    largest: list[Example]


class SizeBand(Shape):
    """How many customers have so many contacts, now and then."""

    least: Annotated[int, Field(ge=1, examples=[3])]
    most: Annotated[int | None, Field(ge=1, description="null for no bound", examples=[5])]
    now: Annotated[int, Field(ge=0)]
    then: Annotated[int, Field(ge=0)]


class Preview(Shape):
    """What a policy would make of the customers there are now. Nothing changes by asking."""

    customers_now: Annotated[int, Field(ge=0)]
    customers_then: Annotated[int, Field(ge=0)]
    largest_now: Annotated[int, Field(ge=0, description="how many contacts the largest customer has")]
    largest_then: Annotated[int, Field(ge=0)]
    sizes: Annotated[list[SizeBand], Field(description="the customers by their number of contacts")]
    merged: Annotated[Kinds, Field(description="customers of then that hold contacts of several customers of now")]
    split: Annotated[Kinds, Field(description="customers of now whose contacts are in several customers of then")]
    unchanged: Annotated[Kinds, Field(description="customers of the same contacts")]
