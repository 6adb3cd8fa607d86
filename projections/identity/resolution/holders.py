"""*Generic value*, *shared value*: what too many people hold, or people who are told apart, links nothing.

Holders are counted as the people that they must at least be, not as contacts: a member with sixty browsers is one.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, cast

from projections.identity.resolution.links import CONTACT, MEMBER_ID, Link, Node, NormalisedIdentifier, RefusedLink
from projections.identity.resolution.node_rules import ExclusiveScope, NodeLinks
from projections.identity.resolution.policy import X_RULE, Policy

MOST_HOLDERS: Final = 1000
_NOT_COUNTED_BY_ACCOUNT: Final = frozenset({"web", "crm"})
_COUNTED: Final = frozenset({"phone", "email"})
_ITSELF: Final = 0  # the tier at which a node holds the `contact` identifier that it is; no link has it

Groups = dict[NormalisedIdentifier, list[Link]]  # the links to each identifier
CountedValues = tuple[tuple[str, str, int], ...]  # (type, value, tier) of a node's phones, e-mails and `x_…`
CarriedValues = tuple[tuple[ExclusiveScope, str], ...]


class Holders(NamedTuple):
    """Nodes that have an identifier at one tier and that the two rules can't tell apart.

    ``member`` is the member id that they are linked to. The rest is what each of them has besides: the values that
    *generic value* counts, and those that it carries. Tier 0 is for the node that a `contact` identifier is.
    """

    tier: int
    nodes: Collection[Node]
    member: str | None
    counted: CountedValues
    carried: CarriedValues


class RuleResult(NamedTuple):
    """Links that a rule left, and those it refused."""

    groups: Groups
    refused: list[RefusedLink]


def grouped(links: Iterable[Link]) -> Groups:
    """The links by their identifiers."""
    groups: Groups = {}
    for link in links:
        groups.setdefault((link.type, link.value), []).append(link)
    return groups


def counted_values(links: Iterable[Link]) -> CountedValues:
    """What *generic value* counts of a node, by its links that *one at a time* left; sorted."""
    return tuple(sorted([(link.type, cast("str", link.value), link.tier) for link in links if is_counted(link.type)]))


def is_counted(type_name: str) -> bool:
    """Whether different values of the type tell people apart that hold another identifier."""
    return type_name in _COUNTED or type_name.startswith("x_")


def without_generic(groups: Groups, nodes: Mapping[Node, NodeLinks], policy: Policy) -> RuleResult:
    """Drop the links of an identifier at the tiers where too many people hold it; member ids come first."""
    views = _Views(nodes)
    left: Groups = {}
    refused: list[RefusedLink] = []
    for first in (True, False):
        for identifier, links in groups.items():
            if (identifier[0] == MEMBER_ID) is first:
                generic = generic_tiers(identifier, views.of(identifier, links), policy)
                left[identifier] = [link for link in links if link.tier not in generic]
                refused.extend(RefusedLink(link, "generic") for link in links if link.tier in generic)
        views.link_members(left)
    return RuleResult({it: left[it] for it in groups if left[it]}, refused)


def without_shared(groups: Groups, nodes: Mapping[Node, NodeLinks], policy: Policy) -> RuleResult:
    """Drop the links of a non-exclusive identifier whose holders an exclusive type tells apart."""
    views = _Views(nodes)
    views.link_members(groups)
    left: Groups = {}
    refused: list[RefusedLink] = []
    for identifier, links in groups.items():
        shared = shared_tiers(identifier, views.of(identifier, links), policy)
        refused.extend(RefusedLink(link, "shared", shared[link.tier]) for link in links if link.tier in shared)
        remaining = [link for link in links if link.tier not in shared] if shared else links
        if remaining:
            left[identifier] = remaining
    return RuleResult(left, refused)


class _Views:
    """The nodes as holders of identifiers."""

    def __init__(self, nodes: Mapping[Node, NodeLinks]) -> None:
        self._nodes = nodes
        self._members: dict[Node, str] = {}
        self._known: dict[Node, tuple[CountedValues, CarriedValues]] = {}

    def link_members(self, groups: Groups) -> None:
        """Take the nodes as linked to these member ids; *exclusive register* leaves each node one at the most."""
        self._members = {
            link.node: cast("str", it[1]) for it, links in groups.items() if it[0] == MEMBER_ID for link in links
        }

    def of(self, identifier: NormalisedIdentifier, links: Iterable[Link]) -> list[Holders]:
        found = [self._view(link.tier, link.node) for link in links]
        if identifier[0] == CONTACT:
            found.append(self._view(_ITSELF, cast("Node", identifier[1])))
        return found

    def _view(self, tier: int, node: Node) -> Holders:
        known = self._known.get(node)
        if known is None:
            links = self._nodes.get(node)
            known = (counted_values(links.links), tuple(links.carried.items())) if links else ((), ())
            self._known[node] = known
        return Holders(tier, (node,), self._members.get(node), *known)


def generic_tiers(identifier: NormalisedIdentifier, holders: Sequence[Holders], policy: Policy) -> set[int]:
    """The tiers at which too many people hold the identifier."""
    rule = policy.rule(identifier[0]) or X_RULE
    if _at_most(holders) <= min(rule.limit, rule.claimed_limit, MOST_HOLDERS):
        return set()
    generic: set[int] = set()
    for tier in tiers_of(holders):
        at = [one for one in holders if one.tier <= tier]
        too_many = sum(len(one.nodes) for one in at) > MOST_HOLDERS
        if too_many or people(identifier, at, policy, claimed=rule.is_claim(tier)) > rule.most_people(tier):
            generic.add(tier)
    return generic


def tiers_of(holders: Iterable[Holders]) -> set[int]:
    """The tiers of the links among the holders."""
    return {one.tier for one in holders} - {_ITSELF}


def people(identifier: NormalisedIdentifier, holders: Iterable[Holders], policy: Policy, *, claimed: bool) -> int:
    """How many people the holders must at least be; ``claimed`` counts also what they only claim."""
    by_member = identifier[0] != MEMBER_ID
    members: set[str] = set()
    counts = _Counts(identifier, policy, claimed=claimed)
    for one in holders:
        if by_member and one.member is not None:
            members.add(one.member)
        else:
            counts.add(one)
    return len(members) + counts.most


def _at_most(holders: Iterable[Holders]) -> int:
    """How many people the holders can be counted as at the most; also no less than the number of nodes."""
    most = 0
    for one in holders:
        most += len(one.nodes) * (len(one.counted) or 1)
    return most


class _Counts:
    """Different values of each countable type, and contacts of each account, among holders without a member id."""

    def __init__(self, identifier: NormalisedIdentifier, policy: Policy, *, claimed: bool) -> None:
        self._identifier = identifier
        self._policy = policy
        self._claimed = claimed
        self._seen: dict[object, set[str]] = {}

    def add(self, one: Holders) -> None:
        for type_name, value, tier in one.counted:
            if self._counts(type_name, value, tier):
                self._seen.setdefault(type_name, set()).add(value)
        for contact, _ in one.nodes:
            channel, account, _ = contact.split(":", 2)
            if channel not in _NOT_COUNTED_BY_ACCOUNT:
                self._seen.setdefault((channel, account), set()).add(contact)

    @property
    def most(self) -> int:
        return max((len(values) for values in self._seen.values()), default=0)

    def _counts(self, type_name: str, value: str, tier: int) -> bool:
        own = self._identifier
        if (type_name, value) == own or (own[0] == MEMBER_ID and type_name not in _COUNTED):
            return False
        return self._claimed or not (self._policy.rule(type_name) or X_RULE).is_claim(tier)


def shared_tiers(
    identifier: NormalisedIdentifier, holders: Sequence[Holders], policy: Policy
) -> dict[int, tuple[str, ...]]:
    """The tiers at which holders of the identifier are told apart, each with the type and two of its values."""
    rule = policy.rule(identifier[0])
    if rule is None or rule.exclusive is not None or not _carry_different(holders):
        return {}
    shared: dict[int, tuple[str, ...]] = {}
    for tier in tiers_of(holders):
        detail = _distinguished_by((one for one in holders if one.tier <= tier), guards_of(policy, tier))
        if detail:
            shared[tier] = detail
    return shared


def _carry_different(holders: Sequence[Holders]) -> bool:
    carried = holders[0].carried if holders else ()
    return any(one.carried != carried for one in holders)


def guards_of(policy: Policy, tier: int) -> Callable[[str], bool]:
    """Whether an exclusive type guards links of the tier."""

    def guards(type_name: str) -> bool:
        rule = policy.rule(type_name)
        return rule is not None and rule.exclusive is not None and tier >= rule.exclusive.guards

    return guards


def _distinguished_by(holders: Iterable[Holders], guards: Callable[[str], bool]) -> tuple[str, ...]:
    """The least type and scope of which the holders carry several values, being more than one person; with two."""
    values: dict[ExclusiveScope, set[str]] = {}
    persons: dict[ExclusiveScope, set[object]] = {}
    for one in holders:
        people_of: Iterable[object] = one.nodes if one.member is None else (one.member,)
        for scope, value in one.carried:
            if guards(scope[0]):
                values.setdefault(scope, set()).add(value)
                persons.setdefault(scope, set()).update(people_of)
    apart = [scope for scope, several in values.items() if len(several) > 1 and len(persons[scope]) > 1]
    if not apart:
        return ()
    scope = min(apart)
    first, second, *_ = sorted(values[scope])
    return (scope[0], first, second)
