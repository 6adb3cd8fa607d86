"""The parts of a result: links, refused links, excluded statements, customers.

Each reason is explained in docs/identity-resolution.md#the-rules.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

STAFF = "staff"
STAFF_TIER = 0

Refusal = Literal[
    "shared_device",  # its contact had too many values of the type
    "generic",  # too many contacts hold the identifier
    "shared",  # holders of the identifier differ in an exclusive value
    "exclusive_conflict",  # the two sides have different values of an exclusive type
    "decided_different",  # staff decided that a pair is not one person
]
Exclusion = Literal[
    "blocked",  # no value of its type, or on the block list
    "retracted",  # no live assertion
    "unaccepted",  # live, but the policy gives its assurance no tier
    "superseded_value",  # the contact has a later value of the same exclusive type and scope
]
# A sentence for people for each of the reasons above.
MEANINGS: Final[Mapping[str, str]] = {
    "shared_device": "its contact had too many values of an exclusive type (a shop's tablet, say)",
    "generic": "more contacts hold the identifier than its fan-out limit",
    "shared": "people whom an exclusive type tells apart hold the identifier (a family's phone)",
    "exclusive_conflict": "the two sides have different values of an exclusive type",
    "decided_different": "staff decided that a pair is not one person",
    "blocked": "not a value of its type, or on the block list",
    "retracted": "taken back",
    "unaccepted": "the policy takes no such statement without proof",
    "superseded_value": "the contact has a later value of the same exclusive type",
}
NormalisedIdentifier = tuple[str, str]  # (type, normalised value)


class Link(NamedTuple):
    """A contact's link to an identifier, or by staff to another contact; sorts in the order of *join*."""

    tier: int
    since: int
    type: str
    value: str
    contact: str

    @property
    def identifier(self) -> NormalisedIdentifier:
        """The identifier that the contact links to."""
        return (self.type, self.value)


class RefusedLink(NamedTuple):
    """A link that joins nothing.

    ``detail`` is what prevented it: the type whose values differ with two such values, or the pair decided different.
    """

    link: Link
    reason: Refusal
    detail: tuple[str, ...] = ()


class Excluded(NamedTuple):
    """A statement about a contact that makes no link; a blocked value is as it was stated."""

    contact: str
    type: str
    value: str
    reason: Exclusion


class Customer(NamedTuple):
    """The contacts that the evidence says are one person, sorted; the founder's personal id is the customer's id."""

    founder: str
    contacts: tuple[str, ...]
    member_id: str | None
