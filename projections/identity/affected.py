"""Finds what updated contacts can affect: nodes whose links changed, identifiers and their other holders (pure).

What one node says is read by the holders of its identifiers alone (*generic value*, *shared value*), and whether a
member id is generic changes what its holders are to their other identifiers. Nothing reaches further, so two rounds of
looking suffice.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from projections.identity.contact_updates import Updates
from projections.identity.customer_summary import Latest
from projections.identity.loads import HolderGroup, HoldersOf, Load, LoadHolders, LoadLinks
from projections.identity.resolution.holders import MOST_HOLDERS, Holders, generic_tiers, shared_tiers
from projections.identity.resolution.holdings import HoldingKey
from projections.identity.resolution.links import CONTACT, MEMBER_ID, Link, Node, NormalisedIdentifier
from projections.identity.resolution.node_rules import NodeLinks, links_of
from projections.identity.resolution.nodes import LiveIdentifier, nodes_of
from projections.identity.resolution.policy import Policy
from projections.identity.state import (
    NO_FEATURES,
    NO_TIER,
    PLAIN,
    ContactIdentity,
    Features,
    IdentifierStatus,
    features_of,
    holders_of,
)

_NOTHING: Final = NodeLinks((), (), {})
_UNKNOWN: Final = HoldersOf(PLAIN, (), NO_FEATURES)
_SHOWN: Final = frozenset({"phone", "email"})


@dataclass(slots=True)
class Affected:
    """What the new evidence reaches.

    - ``before``, ``after``: the links of updated contacts' nodes; ``live``: what is live of their holdings, by contact,
      of tier ``NO_TIER`` where it makes no link; ``latest``: of their phones and e-mails.
    - ``features``: those of every node that was looked at, as they are now.
    - ``statuses_before``, ``statuses``: of the identifiers that were looked at.
    - ``nodes``: those whose components are to be resolved again; ``changed``: those of them whose links changed.
    - ``ties``: nodes that identifiers tie together now, with one of those that they tied before.
    - ``unclear``: nodes of whose components more changed than that ties came.
    """

    before: dict[Node, NodeLinks] = field(default_factory=dict)
    after: dict[Node, NodeLinks] = field(default_factory=dict)
    live: dict[str, dict[HoldingKey, LiveIdentifier]] = field(default_factory=dict)
    latest: dict[Node, dict[NormalisedIdentifier, Latest]] = field(default_factory=dict)
    features: dict[Node, Features] = field(default_factory=dict)
    statuses_before: dict[NormalisedIdentifier, IdentifierStatus] = field(default_factory=dict)
    statuses: dict[NormalisedIdentifier, IdentifierStatus] = field(default_factory=dict)
    nodes: set[Node] = field(default_factory=set)
    changed: set[Node] = field(default_factory=set)
    ties: list[set[Node]] = field(default_factory=list)
    unclear: set[Node] = field(default_factory=set)

    def updated(self, node: Node) -> bool:
        """Whether the node's links were looked at anew."""
        return node in self.before or node in self.after


def find_affected(updates: Updates, policy: Policy) -> Generator[Load, Any, Affected]:
    """What the updates reach."""
    return (yield from _Finding(updates, policy).run())


@dataclass(slots=True)
class _Held:
    """Who holds one identifier: nodes whose links did not change, alike ones together, and those whose links did."""

    before: IdentifierStatus
    unchanged: Sequence[HolderGroup]
    changed: list[tuple[Node, int]]  # with the tier
    itself: Features


class _Finding:
    def __init__(self, updates: Updates, policy: Policy) -> None:
        self.updates = updates
        self.policy = policy
        self.found = Affected()
        self.features_changed: set[Node] = set()
        self.flipped: set[Node] = set()  # other holders of a member id that links them now, or no more
        self.shown: set[NormalisedIdentifier] = set()  # phones and e-mails that were stated again
        self.held: dict[NormalisedIdentifier, _Held] = {}
        self.links_before: dict[NormalisedIdentifier, list[tuple[Node, int]]] = {}  # of changed nodes, with their tiers
        self.links_after: dict[NormalisedIdentifier, list[tuple[Node, int]]] = {}

    def run(self) -> Generator[Load, Any, Affected]:
        for update in self.updates.contacts.values():
            if update.before != update.after:
                self._compare_nodes(update.before, update.after)
        first = self._identifiers()
        yield from self._load(first)
        for identifier in first:
            if identifier[0] == MEMBER_ID:
                self._set_status(identifier)
                self._flip_holders(identifier)
        self._unlink_those_without_member()
        links: Mapping[Node, tuple[Link, ...]] = yield LoadLinks(frozenset(self.flipped))
        more = {(CONTACT, node) for node in self.flipped} | {
            link.identifier for node in self.flipped for link in self._links(node, links)
        }
        yield from self._load(more - first)
        for identifier in first | more:
            if identifier[0] != MEMBER_ID:
                self._set_status(identifier)
        self._reach()
        return self.found

    # --- the nodes of updated contacts

    def _compare_nodes(self, before: ContactIdentity, after: ContactIdentity) -> None:
        found = self.found
        self._compare_contact(before, after)
        if before.holdings == after.holdings and before.sessions == after.sessions:
            return
        then = {
            node: NodeLinks(tuple(sorted(links)), (), dict(before.features.get(node[1], NO_FEATURES).carried))
            for node, links in before.node_links().items()
        }
        for session, features in before.features.items():
            if features != NO_FEATURES:
                then.setdefault((before.contact, session), NodeLinks((), (), dict(features.carried)))
        held = nodes_of(after.contact, after.holdings, self.policy)
        live: dict[HoldingKey, LiveIdentifier] = {}
        for node, of_node in held.items():
            live |= self._find_links(node, of_node, before)
        found.live[after.contact] = live
        found.before |= then
        touched = _touched_sessions(before, after)
        for node in then.keys() | held.keys():
            if node[1] in touched:
                found.nodes.add(node)  # what the node's own rules refuse may change where no link does
            self._compare_node(node, then.get(node, _NOTHING), before.features.get(node[1], NO_FEATURES))

    def _find_links(
        self,
        node: Node,
        held: Mapping[NormalisedIdentifier, tuple[LiveIdentifier, HoldingKey]],
        before: ContactIdentity,
    ) -> dict[HoldingKey, LiveIdentifier]:
        """Apply the node's own rules; returns what is live of its holdings."""
        now = links_of(node, {identifier: one for identifier, (one, _) in held.items()}, self.policy)
        latest: dict[NormalisedIdentifier, Latest] = {}
        for link in now.links:
            if link.type in _SHOWN:
                one, key = held[link.identifier]
                latest[link.identifier] = Latest(one.latest, one.written(key[2]))
                self._compare_shown(link, one, key, before)
        self.found.after[node], self.found.latest[node] = now, latest
        live = {key: one for one, key in held.values()}
        for refusal in now.refused:
            one, key = held[refusal.link.identifier]
            live[key] = one._replace(tier=NO_TIER)
        return live

    def _compare_shown(self, link: Link, held: LiveIdentifier, key: HoldingKey, before: ContactIdentity) -> None:
        """A phone or e-mail that was stated again may be preferred now; one that counts as of earlier, no more."""
        known = before.links.get(key)
        if known != held:
            self.shown.add(link.identifier)
            if known is not None and _counts_less(held, known, key[2]):
                self.found.unclear.add(link.node)

    def _compare_contact(self, before: ContactIdentity, after: ContactIdentity) -> None:
        found, left, node = self.found, before.node, after.node
        found.nodes |= {left, node}
        if before.founded_at is not None:
            if left != node or after.founded_at is None:
                found.unclear |= {left, node}
            elif after.founded_at > before.founded_at:
                found.unclear.add(node)

    def _compare_node(self, node: Node, then: NodeLinks, known: Features) -> None:
        now = self.found.after.get(node, _NOTHING)
        features = self.found.features[node] = features_of(now, linked=known.linked)
        if then.links != now.links or then.carried != now.carried:
            self.found.changed.add(node)
            if then.carried and not then.carried.items() <= now.carried.items():
                self.found.unclear.add(node)  # its customer may have the value no more
            if then.links and _link_less(then.links, now.links):
                self.found.unclear.add(node)  # what a link brought to its customer may count less from now on
            if features != known:
                self.features_changed.add(node)

    def _identifiers(self) -> set[NormalisedIdentifier]:
        """Those whose holders, or what they read of their holders, changed."""
        wanted: set[NormalisedIdentifier] = {(CONTACT, node) for node in self.features_changed if self._is_named(node)}
        wanted |= self.shown
        for node in self.found.changed:
            then = {link.identifier: link for link in self.found.before.get(node, _NOTHING).links}
            now = {link.identifier: link for link in self.found.after.get(node, _NOTHING).links}
            features_changed = node in self.features_changed
            for identifier, link in then.items():
                self.links_before.setdefault(identifier, []).append((node, link.tier))
                if features_changed or now.get(identifier) != link:
                    wanted.add(identifier)
            for identifier, link in now.items():
                self.links_after.setdefault(identifier, []).append((node, link.tier))
                if identifier not in then:
                    wanted.add(identifier)
        return wanted

    def _is_named(self, node: Node) -> bool:
        """Whether another contact may be bound to the node."""
        update = self.updates.contacts.get(node[0])
        return update is None or update.after.named

    def _links(self, node: Node, loaded: Mapping[Node, tuple[Link, ...]]) -> Iterable[Link]:
        return self.found.after.get(node, _NOTHING).links if self.found.updated(node) else loaded.get(node, ())

    # --- identifiers

    def _load(self, identifiers: set[NormalisedIdentifier]) -> Generator[Load, Any, None]:
        changed = self.found.changed
        itself = frozenset(self._unknown_among(identifiers))
        held: Mapping[NormalisedIdentifier, HoldersOf] = yield LoadHolders(frozenset(identifiers), len(changed), itself)
        for identifier in identifiers:
            one = held.get(identifier, _UNKNOWN)
            unchanged = one.groups
            if then := {node for node, _ in self.links_before.get(identifier, ())}:
                unchanged = [group for group in (one.without(then) for one in one.groups) if group.nodes]
            now = self.links_after.get(identifier, [])
            self.found.statuses_before[identifier] = one.status
            self.held[identifier] = _Held(one.status, unchanged, now, one.itself)

    def _unknown_among(self, identifiers: Iterable[NormalisedIdentifier]) -> Iterator[Node]:
        """The nodes among `contact` identifiers whose features are not known yet."""
        for type_name, value in identifiers:
            if type_name == CONTACT and value not in self.found.features:
                yield cast("Node", value)

    def _set_status(self, identifier: NormalisedIdentifier) -> None:
        """*Generic value* and *shared value* on an identifier."""
        holders, counts = self._holders(identifier), self._counts_if_many(identifier)
        generic = generic_tiers(identifier, holders, self.policy) | _over_most_holders(identifier, counts)
        shared: dict[int, tuple[str, ...]] = {}
        if identifier[0] != MEMBER_ID:
            left = [one for one in holders if one.tier not in generic] if generic else holders
            shared = shared_tiers(identifier, left, self.policy)
        if not generic and not shared:
            self.found.statuses[identifier] = PLAIN
            return
        many = counts if sum(counts.values()) > MOST_HOLDERS else {}
        self.found.statuses[identifier] = IdentifierStatus(
            tuple(sorted(generic)), tuple(sorted(shared.items())), tuple(sorted(many.items()))
        )

    def _holders(self, identifier: NormalisedIdentifier) -> list[Holders]:
        """The holders as they are now."""
        held = self.held[identifier]
        found: list[Holders] = []
        for tier, features, nodes in held.unchanged:
            if not self.flipped or self.flipped.isdisjoint(nodes):
                found.append(holders_of(tier, features, nodes))
            else:
                found.extend(holders_of(tier, self.found.features.get(node, features), (node,)) for node in nodes)
        found.extend(holders_of(tier, self.found.features[node], (node,)) for node, tier in held.changed)
        if identifier[0] == CONTACT:
            itself = cast("Node", identifier[1])
            found.append(holders_of(0, self.found.features.get(itself, held.itself), (itself,)))
        return found

    def _counts_if_many(self, identifier: NormalisedIdentifier) -> dict[int, int]:
        """How many hold the identifier at each tier, if they may be too many."""
        held = self.held[identifier]
        read = len(held.changed) + sum([len(group.nodes) for group in held.unchanged])
        return self._counts(identifier) if held.before.counts or read >= MOST_HOLDERS else {}

    def _counts(self, identifier: NormalisedIdentifier) -> dict[int, int]:
        """How many hold the identifier at each tier; from what is stored where they are too many to be read."""
        held = self.held[identifier]
        counts = dict(held.before.counts)
        if counts:
            for _, tier in self.links_before.get(identifier, ()):
                counts[tier] -= 1
        else:
            for tier, _, nodes in held.unchanged:
                counts[tier] = counts.get(tier, 0) + len(nodes)
        for _, tier in held.changed:
            counts[tier] = counts.get(tier, 0) + 1
        return {tier: count for tier, count in counts.items() if count}

    def _flip_holders(self, identifier: NormalisedIdentifier) -> None:
        """Find each holder of the member id that it links now and did not before, or the other way round."""
        generic, held, features = self.found.statuses[identifier].generic, self.held[identifier], self.found.features
        for tier, known, nodes in held.unchanged:
            if known.linked != (tier not in generic):
                features.update(dict.fromkeys(nodes, known._replace(linked=not known.linked)))
                self.flipped.update(nodes)
        for node, tier in held.changed:
            if features[node].linked != (tier not in generic):
                features[node] = features[node]._replace(linked=tier not in generic)
                if node not in self.features_changed:
                    self.flipped.add(node)

    def _unlink_those_without_member(self) -> None:
        features = self.found.features
        for node in self.features_changed:
            if features[node].member is None and features[node].linked:
                features[node] = features[node]._replace(linked=False)

    # --- whom that reaches

    def _reach(self) -> None:
        found = self.found
        found.unclear |= self.flipped
        for pair, state in self.updates.pairs.items():
            for one in (state, self.updates.pairs_before.get(pair)):
                found.unclear.update(one.nodes if one else ())
        for identifier, status in found.statuses.items():
            self._reach_across(identifier, status)
        found.nodes |= found.changed | found.unclear
        for tied in found.ties:
            found.nodes |= tied

    def _reach_across(self, identifier: NormalisedIdentifier, after: IdentifierStatus) -> None:
        """Where a tie through the identifier came, went or changed: the nodes that it tied together, or ties now."""
        held, found = self.held[identifier], self.found
        before = held.before
        then = {node: tier for node, tier in self.links_before.get(identifier, ()) if before.links(tier)}
        now = {node for node, tier in held.changed if after.links(tier)}
        unclear = then.keys() - now
        itself = {cast("Node", identifier[1])} if identifier[0] == CONTACT else set()
        if before != after:
            for tier, _, nodes in held.unchanged:
                if before.links(tier) != after.links(tier):
                    unclear.update(nodes)
                if before.distinguished_by(tier) != after.distinguished_by(tier):
                    found.unclear.update(nodes)
        if unclear:
            found.unclear |= unclear | itself | now
            found.unclear.update(node for group in held.unchanged if after.links(group.tier) for node in group.nodes)
        elif now:
            other = next(({group.nodes[0]} for group in held.unchanged if after.links(group.tier)), set())
            found.ties.append(now | itself | other)


def _counts_less(now: LiveIdentifier, known: LiveIdentifier, value: str) -> bool:
    return now.tier > known.tier or (now.latest, now.written(value)) < (known.latest, known.written(value))


def _link_less(then: Iterable[Link], now: Iterable[Link]) -> bool:
    """Whether an identifier that is linked still is so by a weaker tier."""
    tiers = {link.identifier: link.tier for link in then}
    return any(link.tier > tiers.get(link.identifier, link.tier) for link in now)


def _touched_sessions(before: ContactIdentity, after: ContactIdentity) -> set[str]:
    """The sessions that have holdings of a type of which something was stated."""
    if not before.holdings:
        return {key[0] for key in after.holdings}
    keys = before.holdings.keys() | after.holdings.keys()
    types = {key[1] for key in keys if before.holdings.get(key) != after.holdings.get(key)}
    return {key[0] for key in keys if key[1] in types}


def _over_most_holders(identifier: NormalisedIdentifier, counts: Mapping[int, int]) -> set[int]:
    """The tiers at which more nodes have the identifier than *generic value* allows, whoever they are."""
    if sum(counts.values()) < MOST_HOLDERS:
        return set()
    crowded: set[int] = set()
    holders = 1 if identifier[0] == CONTACT else 0
    for tier in sorted(counts):
        holders += counts[tier]
        if holders > MOST_HOLDERS:
            crowded.add(tier)
    return crowded
