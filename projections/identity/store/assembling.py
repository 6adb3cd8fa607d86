"""Rows that were loaded as the answers that deciding was promised (pure)."""

from collections.abc import Iterable, Mapping
from typing import Any, cast
from uuid import UUID

from projections.identity import rows
from projections.identity.customer_summary import CustomerSummary, Latest
from projections.identity.loads import ComponentNode, Components, ContactBrief, CurrentNode, CurrentNodes
from projections.identity.resolution.links import Link, Node, NormalisedIdentifier, RefusedLink
from projections.identity.state import DecisionKey, IdentifierStatus, PairState
from projections.identity.tables import MemberRow

ResolutionColumns = tuple[str, str]  # a ResolutionKey, or the first two columns of a row


def pairs_by_place(found: Iterable[Any]) -> dict[ResolutionColumns, dict[DecisionKey, PairState]]:
    """Rows of pair decisions as states, by place."""
    pairs: dict[ResolutionColumns, dict[DecisionKey, PairState]] = {}
    for row in found:
        state = PairState(
            row.by_contact, row.other_contact, row.at, row.event_id, row.verdict, row.by_session, row.other_session
        )
        pairs.setdefault(row[:2], {})[state.pair] = state
    return pairs


def customer_keys(members: Mapping[ResolutionColumns, Mapping[Node, MemberRow]]) -> list[tuple[Any, ...]]:
    """The keys of the customers that nodes are in."""
    return [(*place, row.customer_id) for place, found in members.items() for row in found.values() if row.customer_id]


def current_nodes(
    members: Mapping[Node, MemberRow],
    customers: Mapping[UUID, CustomerSummary],
    refused: Mapping[Node, list[RefusedLink]],
) -> CurrentNodes:
    """Nodes with their customers and refused links."""
    founders = {one: customer.founder for one, customer in customers.items()}
    nodes = {
        node: CurrentNode(
            row.component_id,
            founders[row.customer_id] if row.customer_id else None,
            rows.features_of_text(row.features),
            row.by_claim,
            row.current,
        )
        for node, row in members.items()
    }
    by_founder = {cast("str", one.founder): one for one in customers.values()}
    return CurrentNodes(nodes, by_founder, {node: tuple(sorted(several)) for node, several in refused.items()})


def components_of(  # noqa: PLR0913, PLR0917 - one a kind of row
    members: Mapping[Node, MemberRow],
    held: Mapping[Node, tuple[list[Link], dict[NormalisedIdentifier, Latest]]],
    refused: Mapping[Node, list[RefusedLink]],
    briefs: Mapping[str, ContactBrief],
    statuses: Mapping[NormalisedIdentifier, IdentifierStatus],
    pairs: Mapping[DecisionKey, PairState],
    customers: Mapping[UUID, CustomerSummary],
) -> Components:
    """Everything in some components. ``held`` are each node's links, and the latest statements of those shown."""
    least: dict[UUID, Node] = {}
    for node in sorted(members, reverse=True):
        least[members[node].component_id] = node
    founder_of: dict[UUID | None, str | None] = {one: customer.founder for one, customer in customers.items()}
    nodes = {}
    for node, row in members.items():
        links, latest = held.get(node, ([], {}))
        nodes[node] = ComponentNode(
            node,
            least[row.component_id],
            founder_of.get(row.customer_id),
            rows.features_of_text(row.features),
            row.by_claim,
            row.current,
            tuple(sorted(links)),
            tuple(sorted(refused.get(node, ()))),
            latest,
        )
    return Components(nodes, briefs, statuses, pairs, {cast("str", one.founder): one for one in customers.values()})
