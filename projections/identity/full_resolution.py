"""Resolves whole components by *join*, and compares them with what is remembered (pure)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from projections.identity.customer_summary import CustomerSummary, Latest, summary_of
from projections.identity.decided import Decided, DecidedNode
from projections.identity.loads import Components, ContactBrief
from projections.identity.node_state import apply_statuses, claims_only
from projections.identity.resolution.clusters import Joined, join
from projections.identity.resolution.holders import Groups, grouped
from projections.identity.resolution.links import (
    CONTACT,
    STAFF,
    STAFF_TIER,
    Link,
    Node,
    NormalisedIdentifier,
    RefusedLink,
)
from projections.identity.resolution.node_rules import NodeLinks
from projections.identity.resolution.policy import Policy
from projections.identity.state import NO_FEATURES, PLAIN, Features, IdentifierStatus, PairState

_NOTHING: Final = NodeLinks((), (), {})
_OF_THE_NODE_ALONE: Final = frozenset({"shared_device", "superseded"})


def resolve_components(decided: Decided, nodes: set[Node], components: Components, policy: Policy) -> None:
    """Decide who is who in the components of the nodes."""
    if nodes:
        _Resolving(decided, nodes, components, policy).run()


class _Resolving:
    def __init__(self, decided: Decided, nodes: set[Node], components: Components, policy: Policy) -> None:
        self.decided = decided
        self.affected = decided.affected
        self.components = components
        self.policy = policy
        self.nodes = sorted({*components.nodes, *nodes})
        self.contacts = dict(components.contacts)
        for contact in {node[0] for node in self.nodes} & decided.updates.contacts.keys():
            after = decided.updates.contacts[contact].after
            if after.known:
                self.contacts[contact] = ContactBrief(after.sessions.last, after.founded_at)
        self.refused: dict[Node, list[RefusedLink]] = {node: [] for node in self.nodes}
        self.tied: set[Node] = set()  # nodes that others are bound to, or that staff decided on

    def run(self) -> None:
        groups = self._groups()
        must_link, cannot_link = self._pairs()
        self._add_tied(groups, must_link)
        carried = {node: dict(features.carried) for node in self.nodes if (features := self._features_of(node)).carried}
        joined = join(groups, must_link, cannot_link, carried, self.policy)
        components = _components(self.nodes, groups, must_link)
        unclear = {components[node] for pair in cannot_link for node in pair if node in components}
        for refusal in joined.refused:
            self.refused[refusal.link.node].append(refusal)
            unclear.add(components[refusal.link.node])
        self._decide(joined, components, unclear)
        self._keep_what_differs()

    # --- the links that *join* joins

    def _groups(self) -> Groups:
        statuses: dict[NormalisedIdentifier, IdentifierStatus] = {}
        links: list[Link] = []
        for node in self.nodes:
            of_node = self._links(node)
            self.refused[node].extend(of_node.refused)
            links.extend(of_node.links)
        for link in links:
            one = link.identifier
            statuses[one] = self.affected.statuses.get(one) or self.components.statuses.get(one, PLAIN)
        left, refused = apply_statuses(links, statuses)
        for refusal in refused:
            self.refused[refusal.link.node].append(refusal)
        return grouped(left)

    def _links(self, node: Node) -> NodeLinks:
        if self.affected.updated(node):
            return self.affected.after.get(node, _NOTHING)
        known = self.components.nodes.get(node)
        if known is None:
            return _NOTHING
        refused = tuple(one for one in known.refused if one.reason in _OF_THE_NODE_ALONE)
        return NodeLinks(known.links, refused, {})

    def _pairs(self) -> tuple[list[Link], list[tuple[Node, Node]]]:
        """Staff's links and forbidden pairs of the nodes; a pair with one of them here forbids it to be clear."""
        must_link: list[Link] = []
        cannot_link: list[tuple[Node, Node]] = []
        here = set(self.nodes)
        for state in self._decisions():
            lesser, greater = state.nodes
            if lesser == greater or here.isdisjoint(state.nodes):
                continue
            if state.verdict == "same":
                must_link.append(Link(STAFF_TIER, state.at, STAFF, greater, lesser))
            elif state.verdict == "different":
                cannot_link.append((lesser, greater))
        return must_link, cannot_link

    def _add_tied(self, groups: Groups, must_link: Iterable[Link]) -> None:
        """Add the ends of ties that are not here: sessions that state nothing, and so far had no row."""
        bound = {cast("Node", identifier[1]) for identifier in groups if identifier[0] == CONTACT}
        self.tied = bound.union(*((link.node, cast("Node", link.value)) for link in must_link))
        new = self.tied.difference(self.nodes)
        self.nodes = sorted({*self.nodes, *new})
        self.refused |= {node: [] for node in new}

    def _decisions(self) -> Iterable[PairState]:
        """Of each pair of contacts the decision that counts, whichever of the two states it."""
        latest: dict[frozenset[str], PairState] = {}
        stated: dict[Any, PairState | None] = {**self.components.pairs, **self.decided.updates.pairs}
        for state in stated.values():
            if state is not None:
                pair = frozenset(state.pair)
                latest[pair] = max(state, latest.get(pair, state), key=lambda one: one.rank)
        return latest.values()

    def _features_of(self, node: Node) -> Features:
        features = self.affected.features.get(node)
        if features is None:
            known = self.components.nodes.get(node)
            features = known.features if known else NO_FEATURES
        return features

    # --- nodes and customers

    def _decide(self, joined: Joined, components: Mapping[Node, Node], unclear: set[Node]) -> None:
        accepted: dict[Node, list[Link]] = {}
        about: dict[Node, list[Link]] = {}  # its own links, and those that bind others to it
        for link in joined.accepted:
            accepted.setdefault(link.node, []).append(link)
            about.setdefault(link.node, []).append(link)
            if link.type in {CONTACT, STAFF}:
                about.setdefault(cast("Node", link.value), []).append(link)
        by_claim = {node: claims_only(links, self.policy) for node, links in about.items()}
        customers: dict[object, CustomerSummary] = {}
        for node in self.nodes:
            root = joined.clusters.of(node)
            one = self._summary(node, accepted.get(node, ()), by_claim.get(node))
            customers[root] = customers[root].merge(one) if root in customers else one
        for node in self.nodes:
            found = customers[joined.clusters.of(node)]
            self._decide_node(node, components[node], found.founder, by_claim.get(node))
            if found.founder is not None:
                clear = None if components[node] in unclear else found.clear
                self.decided.customers[found.founder] = found._replace(clear=clear)

    def _decide_node(self, node: Node, component: Node, founder: str | None, by_claim: bool | None) -> None:  # noqa: FBT001
        current = self._is_current(node)
        links = self._links(node)
        if current or links.links or links.refused or node in self.tied:
            row = DecidedNode(node, component, founder, self._features_of(node), by_claim, current)
            self.decided.nodes[node] = row
            if current:
                self.decided.members[node[0]] = cast("str", founder)
        else:
            self.decided.nodes[node] = None

    def _is_current(self, node: Node) -> bool:
        """Whether the node's contact is with it."""
        brief = self.contacts.get(node[0])
        return brief is not None and brief.session == node[1]

    def _summary(self, node: Node, accepted: Iterable[Link], by_claim: bool | None) -> CustomerSummary:  # noqa: FBT001
        current = self._is_current(node)
        founded = self.contacts[node[0]].founded_at if current else None
        return summary_of(
            node,
            founded,
            accepted,
            self._latest(node),
            self._features_of(node).carried,
            current=current,
            by_claim=by_claim,
        )

    def _latest(self, node: Node) -> Mapping[NormalisedIdentifier, Latest]:
        if self.affected.updated(node):
            return self.affected.latest.get(node, {})
        known = self.components.nodes.get(node)
        return known.latest if known else {}

    # --- what differs from what is remembered

    def _keep_what_differs(self) -> None:
        decided, components = self.decided, self.components
        for node in self.nodes:
            decided.refused[node] = tuple(sorted(self.refused[node]))
            known = components.nodes.get(node)
            if known is None:
                continue
            decided.refused_before[node] = known.refused
            if known.customer is not None and known.current:
                decided.members_before[node[0]] = known.customer
            now = decided.nodes[node]
            if now is not None and tuple(now) == known[: len(now)]:
                del decided.nodes[node]
        for founder, before in components.customers.items():
            if founder not in decided.customers:
                decided.customers[founder] = None
            elif decided.customers[founder] == before:
                del decided.customers[founder]


def _components(nodes: Iterable[Node], groups: Groups, must_link: Iterable[Link]) -> dict[Node, Node]:
    """The component of each node: those that links tie together, refused or not. It goes by its least node."""
    parents: dict[object, object] = {}

    def find(vertex: object) -> object:
        while (parent := parents.setdefault(vertex, vertex)) != vertex:
            parents[vertex] = parents[parent]
            vertex = parents[vertex]
        return vertex

    for identifier, links in groups.items():
        far = ("node", identifier[1]) if identifier[0] == CONTACT else ("identifier", identifier)
        for link in links:
            parents[find(("node", link.node))] = find(far)
    for link in must_link:
        parents[find(("node", link.node))] = find(("node", link.value))
    least: dict[object, Node] = {}
    for node in sorted(nodes, reverse=True):
        least[find(("node", node))] = node
    return {node: least[find(("node", node))] for node in nodes}
