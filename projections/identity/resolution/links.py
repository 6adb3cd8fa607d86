"""The types of a result: nodes, links, reasons of refusal, values set aside, customers.

A *node* is what the rules tie together: a contact, or one session of a browser. It is written
``(contact key, session)``; the session is a member id, and "" for every contact that never logged in.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

STAFF: Final = "staff"
STAFF_TIER: Final = 0
SESSION: Final = "session"  # the type of a step from one session of a browser to the one that it is with
CONTACT: Final = "contact"
MEMBER_ID: Final = "member_id"

Node = tuple[str, str]  # (contact key, session)
Value = str | Node  # the value of an identifier; a node for the types `contact` and `staff`
NormalisedIdentifier = tuple[str, Value]  # (type, normalised value)

Refusal = Literal[
    "shared_device",  # shared contact
    "superseded",  # exclusive register, one at a time
    "generic",  # generic value
    "shared",  # shared value
    "exclusive_conflict",  # join
    "decided_different",  # join
]
SetAsideReason = Literal["no_value", "blocked", "too_many_claims"]
MEANINGS: Final[Mapping[str, str]] = {
    "shared_device": "its contact has too many values of an exclusive type (a shop's tablet, say)",
    "superseded": "its contact has a later value of the same type",
    "generic": "more people than one person can be hold the identifier",
    "shared": "people whom an exclusive type tells apart hold the identifier (a family's phone)",
    "exclusive_conflict": "the two sides have different values of an exclusive type",
    "decided_different": "staff decided that a pair is not one person",
    "no_value": "not a value of its type",
    "blocked": "on the block list",
    "too_many_claims": "its contact claims too many values of the type; the latest count",
}


class Link(NamedTuple):
    """A node's tie to an identifier, or staff's to another node; compares in the order of *join*."""

    tier: int
    since: int  # ms, UTC: the earliest live assertion
    type: str
    value: Value
    node: Node

    @property
    def identifier(self) -> NormalisedIdentifier:
        """What the node is tied to."""
        return self[2:4]  # type and value: taken for every link that is looked at


class RefusedLink(NamedTuple):
    """A link that joins nothing.

    ``detail`` is what prevented it: the type whose values differ and two such values, or the pair decided on.
    """

    link: Link
    reason: Refusal
    detail: tuple[str, ...] = ()


class SetAside(NamedTuple):
    """A value of a contact that is no evidence, as it was stated."""

    contact: str
    type: str
    value: str
    reason: SetAsideReason


class Customer(NamedTuple):
    """The contacts that are one person by the evidence, sorted; the founder's personal id is the customer's id.

    ``member_ids`` are the spellings, and the ids merged into it, that led to ``member_id``; sorted.
    """

    founder: str
    contacts: tuple[str, ...]
    member_id: str | None
    member_ids: tuple[str, ...] = ()
