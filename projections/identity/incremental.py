"""The fast case: customers that only grow, or become one, where nothing stands against it (pure).

A component is *clear* where no link of *join* was refused and staff decided nothing in it: then all of it is one
customer. Clear components that new links tie together, and that have at most one value of each exclusive type between
them, are one clear component: the other nodes in them need not even be read. All else is left to `full_resolution`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, cast

from projections.identity.customer_summary import CustomerSummary, summary_of
from projections.identity.decided import CustomerMove, Decided, DecidedNode
from projections.identity.loads import CurrentNodes
from projections.identity.node_state import apply_statuses, claims_only
from projections.identity.resolution.links import CONTACT, Link, Node, RefusedLink
from projections.identity.resolution.node_rules import NodeLinks
from projections.identity.resolution.policy import Policy
from projections.identity.state import NO_FEATURES, Features

_NOTHING: Final = NodeLinks((), (), {})


@dataclass(slots=True)
class _Group:
    """Nodes that are tied together now, and the customers that they are in, by founder."""

    nodes: list[Node] = field(default_factory=list)
    customers: set[str] = field(default_factory=set)


class _NodeNow(NamedTuple):
    """A node of which something may have changed, with what it brings to its customer."""

    node: Node
    current: bool
    by_claim: bool | None
    summary: CustomerSummary | None  # None where nothing changed


def merge_incrementally(decided: Decided, current: CurrentNodes, policy: Policy) -> tuple[set[Node], dict[str, str]]:
    """Decide what the fast case can. Gives the nodes that are left, and the customers whose contacts move or grow.

    Those are by founder, with the founder of the customer that they become.
    """
    return _Merging(decided, current, policy).run()


class _Merging:
    def __init__(self, decided: Decided, current: CurrentNodes, policy: Policy) -> None:
        self.decided = decided
        self.affected = decided.affected
        self.current = current
        self.policy = policy
        self.growing: dict[str, str] = {}
        self.accepted: dict[Node, list[Link]] = {}
        self.refused: dict[Node, list[RefusedLink]] = {}  # by what is known of identifiers, of nodes with an update
        self.bound: dict[Node, list[Link]] = {}  # by the node that an updated node is bound to now
        for node in self.affected.changed:
            for link in self._accepted(node):
                if link.type == CONTACT:
                    self.bound.setdefault(cast("Node", link.value), []).append(link)

    def run(self) -> tuple[set[Node], dict[str, str]]:
        rest: set[Node] = set()
        for group in self._groups():
            if not self._merge(group):
                rest.update(group.nodes)
        return rest, self.growing

    def _groups(self) -> Iterable[_Group]:
        parents: dict[object, object] = {}

        def find(one: object) -> object:
            while (parent := parents.setdefault(one, one)) != one:
                parents[one] = parents[parent]
                one = parents[one]
            return one

        for tied in self.affected.ties:
            first, *others = tied
            for other in others:
                parents[find(other)] = find(first)
        for node in self.affected.nodes:
            if (known := self.current.nodes.get(node)) is not None:
                parents[find(node)] = find(known.component)
        groups: dict[object, _Group] = {}
        for node in sorted(self.affected.nodes):
            group = groups.setdefault(find(node), _Group())
            group.nodes.append(node)
            known = self.current.nodes.get(node)
            if known is not None and known.customer is not None:
                group.customers.add(known.customer)
        return groups.values()

    def _merge(self, group: _Group) -> bool:
        """Whether the group is decided."""
        if not self.affected.unclear.isdisjoint(group.nodes):
            return False
        if any(known.customer is None for node in group.nodes if (known := self.current.nodes.get(node))):
            return False
        nodes = [self._now(node) for node in group.nodes]
        if any(self._needs_full_resolution(one) for one in nodes):
            return False
        parts = [self.current.customers[founder] for founder in sorted(group.customers)]
        whole, *others = [*parts, *(one.summary for one in nodes if one.summary is not None)]
        for other in others:
            whole = whole.merge(other)
        if whole.clear is None or whole.founder is None:
            return False
        self._write(group, nodes, whole)
        return True

    def _needs_full_resolution(self, now: _NodeNow) -> bool:
        """Whether a node is no contact's, or what it said by claim only counts more from now on."""
        known = self.current.nodes.get(now.node)
        if known is None:
            return not now.current
        firmer = known.by_claim is True and now.by_claim is False
        return known.current != now.current or firmer

    def _now(self, node: Node) -> _NodeNow:
        known = self.current.nodes.get(node)
        update = self.decided.updates.contacts.get(node[0])
        if known is not None and update is None and node not in self.bound:
            return _NodeNow(node, known.current, known.by_claim, None)
        accepted = self._accepted(node)
        bound = self.bound.get(node)
        by_claim = claims_only([*accepted, *bound] if bound else accepted, self.policy)
        if known is not None and (by_claim is None or known.by_claim is False):
            by_claim = known.by_claim
        if update is None:
            current, founded = known is not None and known.current, None
        else:
            current, founded = (
                update.after.node == node and update.after.known,
                update.after.founded_at,
            )
        summary = summary_of(
            node,
            founded if update else None,
            accepted,
            self.affected.latest.get(node, {}),
            self.affected.features.get(node, NO_FEATURES).carried if self.affected.updated(node) else (),
            current=current and update is not None,
            by_claim=by_claim,
        )
        if known is not None:
            summary = summary._replace(contacts=0)
        return _NodeNow(node, current, by_claim, summary)

    def _accepted(self, node: Node) -> list[Link]:
        """The links of an updated node that tie it to what was looked at."""
        accepted = self.accepted.get(node)
        if accepted is None:
            links = self.affected.after.get(node, _NOTHING).links
            accepted, self.refused[node] = apply_statuses(links, self.affected.statuses)
            self.accepted[node] = accepted
        return accepted

    def _write(self, group: _Group, nodes: Iterable[_NodeNow], whole: CustomerSummary) -> None:
        decided, current = self.decided, self.current
        founder, least = cast("str", whole.founder), whole.clear.least if whole.clear else ("", "")
        for known in sorted(group.customers):
            before = current.customers[known]
            if known != founder or before.clear is None or before.clear.least != least:
                decided.moves.append(CustomerMove(known, least, founder))
        gone = group.customers - {founder}
        decided.customers |= dict.fromkeys(gone)
        if current.customers.get(founder) != whole:
            decided.customers[founder] = whole
        newcomers = [one.node[0] for one in nodes if one.node not in current.nodes and one.current]
        if newcomers or gone:
            self.growing |= dict.fromkeys(group.customers, founder)
            decided.members |= dict.fromkeys(newcomers, founder)
        for one in nodes:
            if one.summary is not None:
                features = self._features(one.node)
                self._write_node(one, DecidedNode(one.node, least, founder, features, one.by_claim, one.current))

    def _write_node(self, now: _NodeNow, row: DecidedNode) -> None:
        known = self.current.nodes.get(now.node)
        if known is None or (known.features, known.by_claim) != (row.features, row.by_claim):
            self.decided.nodes[now.node] = row
        if self.affected.updated(now.node):
            before = self.current.refused.get(now.node, ())
            links = self.affected.after.get(now.node, _NOTHING)
            still = [
                one for one in before if one.link in links.links and one.link.identifier not in self.affected.statuses
            ]
            refused = sorted([*links.refused, *still, *self.refused[now.node]])
            self.decided.refused[now.node] = tuple(refused)
            self.decided.refused_before[now.node] = before

    def _features(self, node: Node) -> Features:
        features = self.affected.features.get(node)
        known = self.current.nodes.get(node)
        return features if features is not None else known.features if known else NO_FEATURES
