"""Customers as rows: whose they are, their best phone and e-mail, and what everybody in them has one of.

A component is *peaceful* if nothing tells anybody in it apart: no pair was ever decided, and of each exclusive type
and scope there is one value at most. Then rules 5 and 7 can refuse nothing in it, whatever the order, and it is one
customer; so whoever comes in without making trouble joins it, and nobody else need be looked at. ``exclusive`` has
the values; it is null for a customer whose component is not peaceful.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from projections.identity.resolution.contact_links import ExclusiveScope
from projections.identity.resolution.evidence import Holding
from projections.identity.resolution.links import Identifier, Link
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import WHOLE_TENANT, scope_of
from projections.identity.tables import CustomerRow

BEST_OF: Final = ("phone", "email")
MEMBER: Final[ExclusiveScope] = ("member_id", WHOLE_TENANT)

Exclusives = dict[ExclusiveScope, str]


class Best(NamedTuple):
    """A phone or an e-mail, how strongly it is held, and the latest event that said so."""

    value: str
    tier: int
    at: int
    by: str

    @property
    def rank(self) -> tuple[int, int, str, str]:
        """The greatest is the best: the strongest, then what was stated last; of one event's, the greater value."""
        return (-self.tier, self.at, self.by, self.value)


Bests = Mapping[str, Best]  # by type


class Standard(NamedTuple):
    """A customer that is, or would be, in peace with itself."""

    founder: str
    founded_at: int | None
    contacts: int
    member_id: str | None
    best: Bests
    exclusive: Exclusives | None

    def merge(self, other: "Standard") -> "Standard":
        """Both as one customer, which is peaceful only if their exclusive values agree."""
        founded = [(one.founded_at, one.founder) for one in (self, other) if one.founded_at is not None]
        founded_at, founder = min(founded, default=(None, self.founder))
        return Standard(
            founder,
            founded_at,
            self.contacts + other.contacts,
            self.member_id if other.member_id is None else other.member_id,
            better(self.best, other.best),
            _agreed(self.exclusive, other.exclusive),
        )

    def row(self, tenant: str, customer_id: UUID) -> CustomerRow:
        """The customer as a row."""
        best: list[Any] = []
        for type_name in BEST_OF:
            best += self.best.get(type_name) or _NO_BEST
        exclusive = _text(self.exclusive) if self.exclusive is not None else None
        one = (self.founder, self.founded_at, self.contacts, self.member_id)
        return CustomerRow._make((tenant, customer_id, *one, *best, exclusive))


_NO_BEST: Final = (None, None, None, None)


def _agreed(one: Exclusives | None, other: Exclusives | None) -> Exclusives | None:
    if one is None or other is None or any(one.get(key, value) != value for key, value in other.items()):
        return None
    return {**one, **other} if one and other else one or other


def standard_of(row: CustomerRow) -> Standard:
    """The customer that a row keeps."""
    best = {}
    if row.phone is not None:
        best["phone"] = Best(row.phone, row.phone_tier or 0, row.phone_at or 0, row.phone_by or "")
    if row.email is not None:
        best["email"] = Best(row.email, row.email_tier or 0, row.email_at or 0, row.email_by or "")
    exclusive = None
    if row.exclusive is not None:
        exclusive = {(type_name, scope): value for type_name, scope, value in orjson.loads(row.exclusive)}
    return Standard(row.founder, row.founded_at, row.contacts, row.member_id, best, exclusive)


def _text(exclusive: Exclusives) -> str:
    return orjson.dumps(sorted((*key, value) for key, value in exclusive.items())).decode()


def best_of(links: Iterable[Link], holdings: Mapping[Identifier, Holding]) -> dict[str, Best]:
    """A contact's best phone and e-mail among its links."""
    best: dict[str, Best] = {}
    for link in links:
        if link.type in BEST_OF:
            at, by = max(stamp for stamp in holdings[link.identifier].live if stamp)
            one = Best(link.value, link.tier, at, by)
            best[link.type] = max(one, best.get(link.type, one), key=_rank)
    return best


def better(one: Bests, other: Bests) -> Bests:
    """The better of both, by type."""
    if not one or not other:
        return one or other
    return {
        type_name: max((bests[type_name] for bests in (one, other) if type_name in bests), key=_rank)
        for type_name in one.keys() | other.keys()
    }


def _rank(best: Best) -> tuple[int, int, str, str]:
    return best.rank


def exclusives_in(links: Iterable[Link], policy: Policy, known: Exclusives) -> Exclusives | None:
    """The exclusive values of the links beside the known ones; None where two of one type and scope differ."""
    found = known
    for link in links:
        rule = policy.rule(link.type)
        if rule is None or rule.exclusive is None:
            continue
        key = (link.type, scope_of(rule.exclusive, link.value))
        value = found.get(key)
        if value is None:
            found = {**found, key: link.value}
        elif value != link.value:
            return None
    return found
