"""Evidence: everything ever stated about identity, folded without losing anything that resolution needs.

Every value here is a join of maxima and minima, so ``merge`` is commutative, associative and idempotent: evidence may
arrive in any order, in any parts and repeatedly. Values are kept as they were stated. The policy normalises and judges
them later, so a change of policy does not need the log to be read again.

Choices where the rules allow two readings:

- a retraction takes back what was asserted up to it, whatever its assurance;
- an intrinsic identifier is *verified* and asserted by every event that carries it. It stays asserted; what was
  asserted of the same value beside it can be retracted as usual. The first of these events is always known. The last
  one is known only where it is needed: for a contact that has two values of a type, since an exclusive type then takes
  the latest of them;
- two decisions of one pair with one stamp (possible only when two contacts use the same event id) count as
  ``different`` before ``same`` before ``undecided``: the careful one wins.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeVar

from projections.identity.resolution.links import NormalisedIdentifier
from schemas.events.base import Stamp

Pair = tuple[str, str]  # two contact keys, the lesser first
Verdict = Literal["same", "different", "undecided"]
_CAUTION: Final[Mapping[Verdict, int]] = {"undecided": 0, "same": 1, "different": 2}
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Holding(NamedTuple):
    """All statements that one contact has, or does not have, one identifier."""

    first_stated_at: int  # the earliest of them, retractions included
    first_asserted: Stamp | None = None  # the earliest assertion, live or not
    last_verified: Stamp | None = None  # the latest assertion of this assurance
    last_claimed: Stamp | None = None
    last_retracted: Stamp | None = None
    first_intrinsic: Stamp | None = None  # the earliest event that had it as an intrinsic identifier
    last_intrinsic: Stamp | None = None  # the latest one that is known

    @property
    def live(self) -> tuple[Stamp | None, Stamp | None]:
        """The latest verified assertion and the latest claim, each if it is live."""
        verified, claimed, retracted = self.last_verified, self.last_claimed, self.last_retracted
        if retracted is not None:
            verified, claimed = _unless_retracted(verified, retracted), _unless_retracted(claimed, retracted)
        return (_greatest(_greatest(verified, self.first_intrinsic), self.last_intrinsic), claimed)

    def merge(self, other: "Holding") -> "Holding":
        """All statements of both."""
        return Holding(
            min(self.first_stated_at, other.first_stated_at),
            _least(self.first_asserted, other.first_asserted),
            _greatest(self.last_verified, other.last_verified),
            _greatest(self.last_claimed, other.last_claimed),
            _greatest(self.last_retracted, other.last_retracted),
            _least(self.first_intrinsic, other.first_intrinsic),
            _greatest(self.last_intrinsic, other.last_intrinsic),
        )


class Decision(NamedTuple):
    """The last decision of staff about a pair, and the time of the first."""

    at: int
    event_id: str
    verdict: Verdict
    first_stated_at: int

    def merge(self, other: "Decision") -> "Decision":
        """The later decision, with the earlier of the first times."""
        later = max(self, other, key=_decision_rank)
        return later._replace(first_stated_at=min(self.first_stated_at, other.first_stated_at))


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of a tenant or of some of its contacts. No field may be changed.

    ``holdings`` are by contact, then by type and value as stated. ``first_referenced_at`` holds, for a contact that
    others stated to be their identifier, the time of the earliest such statement in ms: it founds the contact. It is
    kept here so that the evidence of one contact is complete without that of the contacts that reference it.
    """

    contacts: frozenset[str] = frozenset()
    holdings: Mapping[str, Mapping[NormalisedIdentifier, Holding]] = field(default_factory=dict)
    decisions: Mapping[Pair, Decision] = field(default_factory=dict)
    first_referenced_at: Mapping[str, int] = field(default_factory=dict)

    @property
    def described(self) -> dict[str, None]:
        """The contacts that some evidence is about, as an ordered set."""
        pairs = (contact for pair in self.decisions for contact in pair)
        return dict.fromkeys((*self.holdings, *self.first_referenced_at, *pairs))

    def merge(self, other: "Evidence") -> "Evidence":
        """The evidence of both."""
        return Evidence(
            self.contacts | other.contacts,
            _merged(self.holdings, other.holdings, _merged_holdings),
            _merged(self.decisions, other.decisions, Decision.merge),
            _merged(self.first_referenced_at, other.first_referenced_at, min),
        )

    def of(self, contacts: frozenset[str]) -> "Evidence":
        """The evidence of these contacts, with the decisions that are only about them."""
        return Evidence(
            self.contacts & contacts,
            {contact: self.holdings[contact] for contact in contacts if contact in self.holdings},
            {pair: decision for pair, decision in self.decisions.items() if contacts.issuperset(pair)},
            {contact: self.first_referenced_at[contact] for contact in contacts if contact in self.first_referenced_at},
        )


def pair_of(one: str, other: str) -> Pair:
    """The two contact keys, the lesser first."""
    return (one, other) if one <= other else (other, one)


def _unless_retracted(assertion: Stamp | None, retraction: Stamp) -> Stamp | None:
    return assertion if assertion and assertion > retraction else None


def _least(one: Stamp | None, other: Stamp | None) -> Stamp | None:
    return min(one, other) if one and other else one or other


def _greatest(one: Stamp | None, other: Stamp | None) -> Stamp | None:
    return max(one, other) if one and other else one or other


def _decision_rank(decision: Decision) -> tuple[int, str, int]:
    return (decision.at, decision.event_id, _CAUTION[decision.verdict])


def _merged_holdings(
    one: Mapping[NormalisedIdentifier, Holding], other: Mapping[NormalisedIdentifier, Holding]
) -> dict[NormalisedIdentifier, Holding]:
    return _merged(one, other, Holding.merge)


def _merged(
    one: Mapping[_Key, _Value], other: Mapping[_Key, _Value], join: Callable[[_Value, _Value], _Value]
) -> dict[_Key, _Value]:
    result = dict(one)
    for key, value in other.items():
        result[key] = join(result[key], value) if key in result else value
    return result
