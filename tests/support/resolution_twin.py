"""Identity resolution a second time, slow and literal, to compare the product's core with.

It is written from the rules alone (docs/identity-resolution.md#the-rules) and uses nothing of the core, not even its
policy: it takes the policy as JSON. Every rule walks all assertions and all links again; sides are plain sets.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from schemas.events import Event
from tests.support.resolution_twin_nodes import (
    Deciding,
    Held,
    Identifier,
    Node,
    World,
    counting,
    holdings_of,
    node_at,
    read,
)
from tests.support.resolution_twin_values import OTHER, Json, TwinPolicy

MOST_HOLDERS = 1000


class TwinLink(NamedTuple):
    """An accepted or refused link, in the order of the joining."""

    tier: int
    since: int
    type: str
    value: Any
    node: Node


class TwinCustomer(NamedTuple):
    """A customer, with those of its contacts that only others named."""

    founder: str
    contacts: tuple[str, ...]
    unseen: tuple[str, ...]
    member_id: str | None
    member_ids: tuple[str, ...]


class TwinOutcome(NamedTuple):
    """Customers by founder, refused links in the order of the joining, what was set aside."""

    customers: list[TwinCustomer]
    refused: list[tuple[str, str, str, Any, int, str]]  # contact, session, type, value, tier, reason
    set_aside: set[tuple[str, str, str, str]]  # contact, type, value, reason


def twin(events: Iterable[Event], settings: Json) -> TwinOutcome:
    """Resolve the events of one tenant under the policy that ``settings`` describe."""
    world = read(counting(events), TwinPolicy(settings))
    rules = _Rules(world)
    rules.refuse_within_nodes()
    rules.refuse_generic()
    rules.refuse_shared()
    must_link, cannot_link = _staff(world)
    joining = _Joining(rules, cannot_link)
    for link in sorted([*rules.links_left(), *must_link]):
        joining.join(link)
    listed = [(rules.link(node, it), why) for (node, it), why in rules.refused.items()]
    return TwinOutcome(
        _customers(world, joining, rules),
        [(*link.node, *link[2:4], link.tier, why) for link, why in sorted(listed + joining.refused)],
        world.set_aside,
    )


class _Rules:
    """The links of all nodes, and which of them each rule refused."""

    def __init__(self, world: World) -> None:
        self.policy = world.policy
        self.holdings = holdings_of(world)
        self.nodes = {node_at(world, contact, None) for contact in world.seen | world.named} | set(self.holdings)
        self.refused: dict[tuple[Node, Identifier], str] = {}
        self.carried = {node: self._carried(row) for node, row in self.holdings.items()}

    def link(self, node: Node, it: Identifier) -> TwinLink:
        held = self.holdings[node][it]
        return TwinLink(held.tier, held.since, *it, node)

    def left(self, node: Node) -> dict[Identifier, Held]:
        """What the rules so far left of a node."""
        return {it: held for it, held in self.holdings.get(node, {}).items() if (node, it) not in self.refused}

    def links_left(self) -> list[TwinLink]:
        return [self.link(node, it) for node in self.holdings for it in self.left(node)]

    def _carried(self, row: dict[Identifier, Held]) -> dict[tuple[str, str], str]:
        """A node's value of each exclusive type and scope."""
        best: dict[tuple[str, str], tuple[Any, str]] = {}
        for (name, value), held in row.items():
            if scope := self.policy.scope(name, value):
                best[scope] = max((held.latest, value), best.get(scope, (held.latest, value)))
        return {scope: value for scope, (_, value) in best.items()}

    def refuse_within_nodes(self) -> None:
        """*Shared contact*, *exclusive register*, *one at a time*."""
        for node, row in self.holdings.items():
            for name, value in row:
                if scope := self.policy.scope(name, value):
                    if sum(self.policy.scope(*other) == scope for other in row) > self.policy.devices:
                        self.refused[node, (name, value)] = "shared_device"
                    elif self.carried[node][scope] != value:
                        self.refused[node, (name, value)] = "superseded"
        for node, row in self.holdings.items():
            for group in [*self._claims(node), *self._of_a_record(node)]:
                for it in sorted(group, key=lambda it, row=row: (row[it].latest, it[1]))[:-1]:  # type: ignore[misc]
                    self.refused[node, it] = "superseded"

    def _claims(self, node: Node) -> Iterable[list[Identifier]]:
        """A node's identifiers of each non-exclusive type that it has at a claim's tier."""
        claims: dict[str, list[Identifier]] = defaultdict(list)
        for (name, value), held in self.left(node).items():
            exclusive = (self.policy.rule(name) or OTHER)["exclusive"]
            if name != "contact" and not exclusive and self.policy.is_claims(name, held.tier):
                claims[name].append((name, value))
        return list(claims.values())

    def _of_a_record(self, node: Node) -> Iterable[list[Identifier]]:
        """A crm contact's phones, and its e-mails."""
        if node[0].startswith("crm:"):
            left = self.left(node)
            return [[it for it in left if it[0] == name] for name in ("phone", "email")]
        return []

    def holders(self, identifier: Identifier, tier: int) -> list[Node]:
        return [
            node
            for node in self.nodes
            if identifier == ("contact", node)
            or (identifier in self.left(node) and self.holdings[node][identifier].tier <= tier)
        ]

    def refuse_generic(self) -> None:
        """*Generic value*: member ids first, then all others at once."""
        for of_members in (True, False):
            generic = [
                (node, it)
                for node in self.holdings
                for it, held in self.left(node).items()
                if (it[0] == "member_id") == of_members and self._is_generic(it, held.tier)
            ]
            self.refused |= dict.fromkeys(generic, "generic")

    def _is_generic(self, identifier: Identifier, tier: int) -> bool:
        rule = self.policy.rule(identifier[0]) or OTHER
        limit: int = rule["limit"]
        if self.policy.is_claims(identifier[0], tier):
            limit = min(limit, rule["claimed_limit"])
        holders = self.holders(identifier, tier)
        return len(holders) > MOST_HOLDERS or self._people(holders, identifier, tier) > limit

    def _people(self, holders: list[Node], identifier: Identifier, tier: int) -> int:
        """The number of people that the holders must at least be."""
        if identifier[0] == "member_id":
            return self._most_values(holders, identifier, tier)
        members = {node: self._member(node) for node in holders}
        rest = [node for node in holders if members[node] is None]
        return len({*members.values()} - {None}) + self._most_values(rest, identifier, tier)

    def _member(self, node: Node) -> str | None:
        """The member id that a node is linked to."""
        return next((value for name, value in self.left(node) if name == "member_id"), None)

    def _most_values(self, holders: list[Node], identifier: Identifier, tier: int) -> int:
        """The greatest number of different values of one type, or of contacts of one account."""
        kinds: dict[Any, set[Any]] = defaultdict(set)
        for node in holders:
            channel, account, _ = node[0].split(":", 2)
            if channel not in {"web", "crm"}:
                kinds[channel, account].add(node[0])
            for (name, value), held in self.left(node).items():
                sign = name in {"phone", "email"} or (name.startswith("x_") and identifier[0] != "member_id")
                only_claimed = self.policy.is_claims(name, held.tier)
                counts = not only_claimed or self.policy.is_claims(identifier[0], tier)
                if sign and counts and (name, value) != identifier:
                    kinds[name].add(value)
        return max(map(len, kinds.values()), default=0)

    def refuse_shared(self) -> None:
        """*Shared value*."""
        shared = [
            (node, it)
            for node in self.holdings
            for it, held in self.left(node).items()
            if not self.policy.scope(*it) and self._is_shared(it, held.tier)
        ]
        self.refused |= dict.fromkeys(shared, "shared")

    def _is_shared(self, identifier: Identifier, tier: int) -> bool:
        holders = self.holders(identifier, tier)
        for scope in {scope for one in holders for scope in self.carried.get(one, {})}:
            carriers = [one for one in holders if scope in self.carried.get(one, {})]
            people = {self._member(one) or one for one in carriers}
            values = {self.carried[one][scope] for one in carriers}
            if self.policy.guards(scope[0], tier) and len(people) > 1 and len(values) > 1:
                return True
        return False


def _staff(world: World) -> tuple[list[TwinLink], list[tuple[Node, Node]]]:
    """What staff ties together, and the pairs that it tells apart."""
    latest: dict[frozenset[str], Deciding] = {}
    for one in world.decisions:
        pair = frozenset([one.by, one.other])
        latest[pair] = max(one, latest.get(pair, one))
    must_link, cannot_link = [], []
    for one in latest.values():
        at = one.stamp[0]
        lesser, greater = sorted([node_at(world, one.by, at), node_at(world, one.other, at)])
        if lesser != greater and one.verdict == "same":
            must_link.append(TwinLink(0, at, "staff", greater, lesser))
        if lesser != greater and one.verdict == "different":
            cannot_link.append((lesser, greater))
    return must_link, cannot_link


class _Joining:
    """Joins sides, link by link. A side is a set of ``("node", node)`` and ``(type, value)``."""

    def __init__(self, rules: _Rules, cannot_link: list[tuple[Node, Node]]) -> None:
        self._rules = rules
        self._cannot_link = cannot_link
        self.sides: list[set[Any]] = [{("node", node)} for node in rules.nodes]
        self.accepted: list[TwinLink] = []
        self.refused: list[tuple[TwinLink, str]] = []

    def join(self, link: TwinLink) -> None:
        to = ("node" if link.type in {"contact", "staff"} else link.type, link.value)
        one, other = self._side_of(("node", link.node)), self._side_of(to)
        why = "" if one is other else self._obstacle(one, other, link.tier)
        if why:
            self.refused.append((link, why))
            return
        self.accepted.append(link)
        if one is not other:
            one |= other
            self.sides = [side for side in self.sides if side is not other]

    def _side_of(self, element: Any) -> set[Any]:
        for side in self.sides:
            if element in side:
                return side
        self.sides.append({element})
        return self.sides[-1]

    def _obstacle(self, one: set[Any], other: set[Any], tier: int) -> str:
        for scope, value in self._values(one):
            for its, that in self._values(other):
                if scope == its and value != that and self._rules.policy.guards(scope[0], tier):
                    return "exclusive_conflict"
        for lesser, greater in self._cannot_link:
            for here, there in ((one, other), (other, one)):
                if ("node", lesser) in here and ("node", greater) in there:
                    return "decided_different"
        return ""

    def _values(self, side: set[Any]) -> set[tuple[tuple[str, str], str]]:
        found: set[tuple[tuple[str, str], str]] = set()
        for name, value in side:
            if name == "node":
                found |= set(self._rules.carried.get(value, {}).items())
            elif scope := self._rules.policy.scope(name, value):
                found.add((scope, value))
        return found


def _customers(world: World, joining: _Joining, rules: _Rules) -> list[TwinCustomer]:
    customers = []
    current = {("node", node_at(world, contact, None)): contact for contact in world.seen | world.named}
    for side in joining.sides:
        together = {current[element] for element in side if element in current}
        if not together:
            continue
        links = [link for link in joining.accepted if link.type == "member_id" and ("node", link.node) in side]
        members = {link.value for link in links}
        spellings = {it for link in links for it in rules.holdings[link.node]["member_id", link.value].spellings}
        founder = min(together, key=lambda it: (it not in world.founded, world.founded.get(it, 0), it))
        unseen = tuple(sorted(together - world.seen))
        member_id = min(members, default=None)
        customers.append(TwinCustomer(founder, tuple(sorted(together)), unseen, member_id, tuple(sorted(spellings))))
    return sorted(customers)
