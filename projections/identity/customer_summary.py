"""A customer's summary: the one definition of what the contacts of a customer add up to.

A summary is a monoid: `EMPTY` is its identity, and ``merge`` is associative and commutative. So the summary of a
customer is the merge of its contacts' summaries in any order, and a merged customer's is the merge of the two. The fast
case merges stored summaries, a full resolution merges those of all contacts, and readers read them: all by this module.

``exclusive`` has the exclusive values in the customer's component as long as the component is *conflict-free*: no
decision was ever made about a pair of its contacts, and of each exclusive type and scope it has one value at most.
Then *shared value* and *join* (docs/identity-resolution.md#the-rules) can refuse nothing in it, whatever the order, and
it is one customer. It is None for all other components.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from projections.identity.resolution.contact_links import ExclusiveScope, normalised
from projections.identity.resolution.evidence import Holding
from projections.identity.resolution.links import Link, NormalisedIdentifier
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import WHOLE_TENANT, normalise, scope_of
from projections.identity.tables import CustomerRow

PREFERRED_TYPES: Final = ("phone", "email")
_MEMBER: Final[ExclusiveScope] = ("member_id", WHOLE_TENANT)

Exclusives = Mapping[ExclusiveScope, str]
_NONE: Final[Mapping[Any, Any]] = MappingProxyType({})


class Preferred(NamedTuple):
    """A phone or an e-mail, the tier at which it is held, and the latest event that stated it."""

    value: str
    tier: int
    at: int
    by: str

    @property
    def rank(self) -> tuple[int, int, str, str]:
        """The greatest is preferred: the strongest tier, then the latest event, then the greater value."""
        return (-self.tier, self.at, self.by, self.value)


class CustomerSummary(NamedTuple):
    """What a customer's contacts add up to; ``preferred`` is by type, ``founded_at`` in ms.

    ``founder`` is the contact key of the founder: the least contact by (founded_at, contact key).
    """

    founder: str = ""
    founded_at: int | None = None
    contacts: int = 0
    member_id: str | None = None
    preferred: Mapping[str, Preferred] = _NONE
    exclusive: Exclusives | None = _NONE

    def merge(self, other: "CustomerSummary") -> "CustomerSummary":
        """The summary of both together. It is conflict-free only if the exclusive values of both agree."""
        founder, founded_at = _founder(self, other)
        return CustomerSummary(
            founder,
            founded_at,
            self.contacts + other.contacts,
            _least(self.member_id, other.member_id),
            _preferred(self.preferred, other.preferred),
            _agreed(self.exclusive, other.exclusive),
        )

    def row(self, tenant: str, resolution_id: str, customer_id: UUID) -> CustomerRow:
        """The summary as the customer's row."""
        preferred: list[Any] = []
        for type_name in PREFERRED_TYPES:
            preferred += self.preferred.get(type_name) or _NONE_PREFERRED
        exclusive = None
        if self.exclusive is not None:
            exclusive = orjson.dumps(sorted((*key, value) for key, value in self.exclusive.items())).decode()
        one = (self.founder, self.founded_at, self.contacts, self.member_id)
        return CustomerRow._make((tenant, resolution_id, customer_id, *one, *preferred, exclusive))


EMPTY: Final = CustomerSummary()
_NONE_PREFERRED: Final = (None, None, None, None)


def summary_in(row: CustomerRow) -> CustomerSummary:
    """The summary that a row keeps."""
    preferred = {}
    if row.phone is not None:
        preferred["phone"] = Preferred(row.phone, row.phone_tier or 0, row.phone_at or 0, row.phone_by or "")
    if row.email is not None:
        preferred["email"] = Preferred(row.email, row.email_tier or 0, row.email_at or 0, row.email_by or "")
    exclusive = None
    if row.exclusive is not None:
        exclusive = {(type_name, scope): value for type_name, scope, value in orjson.loads(row.exclusive)}
    return CustomerSummary(row.founder, row.founded_at, row.contacts, row.member_id, preferred, exclusive)


def summarise_contact(
    contact: str,
    founded_at: int | None,
    links: Iterable[Link],
    holdings: Mapping[NormalisedIdentifier, Holding],
    policy: Policy,
) -> CustomerSummary:
    """The summary of one contact, by its links after *generic value* and the holdings behind them."""
    exclusive: dict[ExclusiveScope, str] = {}
    offered: list[Link] = []
    for link in links:
        if link.type in PREFERRED_TYPES:
            offered.append(link)
        rule = policy.rule(link.type)
        if rule is not None and rule.exclusive is not None:
            exclusive[link.type, scope_of(rule.exclusive, link.value)] = link.value
    preferred = _preferred_of(offered, holdings, policy) if offered else {}
    return CustomerSummary(contact, founded_at, 1, exclusive.get(_MEMBER), preferred, exclusive)


def founding_time(
    contact: str, first_stated_at: int | None, first_referenced_at: int | None, policy: Policy
) -> int | None:
    """When a contact was founded, in ms: by its first evidence or by the first reference to it, if it can be one."""
    if first_referenced_at is None or normalise("contact", contact, policy) is None:
        return first_stated_at
    return first_referenced_at if first_stated_at is None else min(first_stated_at, first_referenced_at)


def _preferred_of(
    links: list[Link], holdings: Mapping[NormalisedIdentifier, Holding], policy: Policy
) -> dict[str, Preferred]:
    behind = _holdings_behind(links, holdings, policy)
    preferred: dict[str, Preferred] = {}
    for link in links:
        at, by = max(stamp for stamp in behind[link.identifier].live if stamp)
        one = Preferred(link.value, link.tier, at, by)
        preferred[link.type] = max(one, preferred.get(link.type, one), key=_rank)
    return preferred


def _holdings_behind(
    links: list[Link], holdings: Mapping[NormalisedIdentifier, Holding], policy: Policy
) -> Mapping[NormalisedIdentifier, Holding]:
    """The holdings by normalised value; a value that is the only one of its type is not normalised again."""
    types = [type_name for type_name, _ in holdings]
    if all(types.count(link.type) == 1 for link in links):
        by_type = {identifier[0]: holding for identifier, holding in holdings.items()}
        return {link.identifier: by_type[link.type] for link in links}
    return normalised(holdings, policy)[0]


def _founder(one: CustomerSummary, other: CustomerSummary) -> tuple[str, int | None]:
    if one.founded_at is None or other.founded_at is None:
        if one.founded_at is other.founded_at:
            return max(one.founder, other.founder), None  # EMPTY's name is the least
        return (one.founder, one.founded_at) if other.founded_at is None else (other.founder, other.founded_at)
    founded_at, founder = min((one.founded_at, one.founder), (other.founded_at, other.founder))
    return founder, founded_at


def _least(one: str | None, other: str | None) -> str | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _preferred(one: Mapping[str, Preferred], other: Mapping[str, Preferred]) -> Mapping[str, Preferred]:
    if not one or not other:
        return one or other
    return {
        type_name: max((each[type_name] for each in (one, other) if type_name in each), key=_rank)
        for type_name in {**one, **other}
    }


def _rank(preferred: Preferred) -> tuple[int, int, str, str]:
    return preferred.rank


def _agreed(one: Exclusives | None, other: Exclusives | None) -> Exclusives | None:
    """The exclusive values of both; None where they differ in one of a type and scope."""
    if one is None or other is None or any(one.get(key, value) != value for key, value in other.items()):
        return None
    return {**one, **other} if one and other else one or other
