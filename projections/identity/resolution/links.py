"""The words of a result: a link, why one was refused, what was set aside before it could be one, a customer."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

STAFF = "staff"
STAFF_TIER = 0

Refusal = Literal[
    "shared_device",  # rule 3: its contact had too many values of the type, so it links through none
    "generic",  # rule 4: too many contacts hold the identifier
    "shared",  # rule 5: people who hold the identifier are told apart by an exclusive type
    "exclusive_conflict",  # rule 7: the two sides have different values of an exclusive type
    "decided_different",  # rule 7: staff decided that a pair is not one person
]
Aside = Literal[
    "blocked",  # rule 1: no value of its type, or on the block list
    "retracted",  # no live assertion
    "unaccepted",  # live, but the policy gives its assurance no tier
    "superseded_value",  # rule 2: the contact has a later value of the same exclusive type and scope
]
# For people; each of the reasons above has one.
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
Identifier = tuple[str, str]  # (type, normalised value)


class Link(NamedTuple):
    """A contact's tie to an identifier, or staff's to another contact; compares in the order of rule 7."""

    tier: int
    since: int
    type: str
    value: str
    contact: str

    @property
    def identifier(self) -> Identifier:
        """What the contact is tied to."""
        return (self.type, self.value)


class Refused(NamedTuple):
    """A link that joins nothing.

    ``detail`` says what stood against it: the type whose values differ and two such values, or the pair decided on.
    """

    link: Link
    reason: Refusal
    detail: tuple[str, ...] = ()


class SetAside(NamedTuple):
    """What was stated of a contact but makes no link; a blocked value is as it was stated."""

    contact: str
    type: str
    value: str
    reason: Aside


class Customer(NamedTuple):
    """The contacts that the evidence says are one person, sorted; the founder's personal id is the customer's id."""

    founder: str
    contacts: tuple[str, ...]
    member_id: str | None
