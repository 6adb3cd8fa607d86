"""Evidence: everything ever stated about who is who, folded so far that nothing resolution asks for is lost.

Each value here is a join of maxima and minima, so ``merge`` is commutative, associative and idempotent: evidence may
come in any order, in any parts and repeatedly. Values are as they were stated; which policy spells and judges them
comes later, so a change of policy needs no new reading of the log.

How a reading was chosen where two are possible:

- a retraction takes back what was asserted up to it, whatever its assurance;
- an intrinsic identifier is *verified*, and asserted by every event that it rides on; it stays so, and what was
  asserted of the same value beside it can be retracted as usual. Of these events the first is always known, the last
  only where it is told: to the stream it is of a contact that has two values of a type, for with one value the
  register of exclusive values has nothing to choose;
- two decisions of one pair with one stamp (which only two contacts using the same event id can make) count as
  ``different`` before ``same`` before ``undecided``: the careful one wins.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeVar

from projections.identity.resolution.links import Identifier

Stamp = tuple[int, str]  # (at, event_id)
Pair = tuple[str, str]  # two contact keys, the lesser first
Verdict = Literal["same", "different", "undecided"]
_CARE: Final[Mapping[Verdict, int]] = {"undecided": 0, "same": 1, "different": 2}
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Holding(NamedTuple):
    """All statements that one contact has one identifier, or has it not."""

    stated: int  # the earliest of them, retractions included
    since: Stamp | None = None  # the earliest assertion, live or not
    verified: Stamp | None = None  # the latest assertion of this assurance
    claimed: Stamp | None = None
    retracted: Stamp | None = None
    vouched: Stamp | None = None  # the earliest event that had it as an intrinsic identifier
    restated: Stamp | None = None  # the latest one that is known

    @property
    def live(self) -> tuple[Stamp | None, Stamp | None]:
        """The latest verified assertion and the latest claim, each if it is live."""
        verified, claimed, retracted = self.verified, self.claimed, self.retracted
        if retracted is not None:
            verified, claimed = _outlives(verified, retracted), _outlives(claimed, retracted)
        return (_greatest(_greatest(verified, self.vouched), self.restated), claimed)

    def merge(self, other: "Holding") -> "Holding":
        """What both say together."""
        return Holding(
            min(self.stated, other.stated),
            _least(self.since, other.since),
            _greatest(self.verified, other.verified),
            _greatest(self.claimed, other.claimed),
            _greatest(self.retracted, other.retracted),
            _least(self.vouched, other.vouched),
            _greatest(self.restated, other.restated),
        )


class Decision(NamedTuple):
    """What staff decided of a pair, last, and when they first decided anything of it."""

    at: int
    event_id: str
    verdict: Verdict
    stated: int

    def merge(self, other: "Decision") -> "Decision":
        """What both say together: the later decision, and the earlier time of the first."""
        later = max(self, other, key=_decision_rank)
        return later._replace(stated=min(self.stated, other.stated))


@dataclass(frozen=True, slots=True)
class Evidence:
    """A tenant's evidence, or that of some of its contacts. No field may be changed.

    ``holdings`` are by contact, then by type and value as it was stated.
    ``named`` has, for a contact that others stated to be their identifier, the earliest such statement: it founds
    the contact, and is kept here so that one contact's evidence is whole without everybody's who named it.
    """

    contacts: frozenset[str] = frozenset()
    holdings: Mapping[str, Mapping[Identifier, Holding]] = field(default_factory=dict)
    decisions: Mapping[Pair, Decision] = field(default_factory=dict)
    named: Mapping[str, int] = field(default_factory=dict)

    def merge(self, other: "Evidence") -> "Evidence":
        """The evidence of both."""
        return Evidence(
            self.contacts | other.contacts,
            _merged(self.holdings, other.holdings, _merged_holdings),
            _merged(self.decisions, other.decisions, Decision.merge),
            _merged(self.named, other.named, min),
        )

    def of(self, contacts: frozenset[str]) -> "Evidence":
        """What these contacts' own evidence is, with the decisions that are about them alone."""
        return Evidence(
            self.contacts & contacts,
            {contact: self.holdings[contact] for contact in contacts if contact in self.holdings},
            {pair: decision for pair, decision in self.decisions.items() if contacts.issuperset(pair)},
            {contact: self.named[contact] for contact in contacts if contact in self.named},
        )


def pair_of(one: str, other: str) -> Pair:
    """The two contact keys, the lesser first."""
    return (one, other) if one <= other else (other, one)


def _outlives(assertion: Stamp | None, retraction: Stamp) -> Stamp | None:
    return assertion if assertion and assertion > retraction else None


def _least(one: Stamp | None, other: Stamp | None) -> Stamp | None:
    return min(one, other) if one and other else one or other


def _greatest(one: Stamp | None, other: Stamp | None) -> Stamp | None:
    return max(one, other) if one and other else one or other


def _decision_rank(decision: Decision) -> tuple[int, str, int]:
    return (decision.at, decision.event_id, _CARE[decision.verdict])


def _merged_holdings(
    one: Mapping[Identifier, Holding], other: Mapping[Identifier, Holding]
) -> dict[Identifier, Holding]:
    return _merged(one, other, Holding.merge)


def _merged(
    one: Mapping[_Key, _Value], other: Mapping[_Key, _Value], join: Callable[[_Value, _Value], _Value]
) -> dict[_Key, _Value]:
    result = dict(one)
    for key, value in other.items():
        result[key] = join(result[key], value) if key in result else value
    return result
