"""*Shared contact*, *exclusive register*, *one at a time*: which of a node's identifiers link it.

These rules look at one node alone.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, cast

from projections.identity.resolution.links import CONTACT, Link, Node, NormalisedIdentifier, Refusal, RefusedLink
from projections.identity.resolution.nodes import LiveIdentifier
from projections.identity.resolution.policy import X_RULE, Policy
from projections.identity.resolution.values import scope_of

_CRM: Final = "crm:"
_ONE_ON_A_RECORD: Final = frozenset({"phone", "email"})

ExclusiveScope = tuple[str, str]  # (exclusive type, scope)
Carried = Mapping[ExclusiveScope, str]  # a node's value of each exclusive type and scope


class NodeLinks(NamedTuple):
    """A node after its own rules, links in the order of *join*. ``carried`` keeps the values of refused links, too."""

    links: tuple[Link, ...]
    refused: tuple[RefusedLink, ...]
    carried: Carried


def links_of(node: Node, holdings: Mapping[NormalisedIdentifier, LiveIdentifier], policy: Policy) -> NodeLinks:
    """Apply the three rules to the live identifiers of a node."""
    refused: dict[NormalisedIdentifier, Refusal] = {}
    carried: dict[ExclusiveScope, str] = {}
    exclusive, one_at_a_time = _several(node, holdings, policy)
    for scope, values in exclusive.items():
        best = _latest(values, holdings)
        carried[scope] = cast("str", best[1])
        if len(values) > policy.shared_device_limit:
            refused.update(dict.fromkeys(values, "shared_device"))
        else:
            refused.update({one: "superseded" for one in values if one != best})
    for values in one_at_a_time.values():
        best = _latest(values, holdings)
        refused.update({one: "superseded" for one in values if one != best})
    links = sorted([Link(one.tier, one.since, *identifier, node) for identifier, one in holdings.items()])
    if not refused:
        return NodeLinks(tuple(links), (), carried)
    linked = [link for link in links if link.identifier not in refused]
    not_linked = [RefusedLink(link, refused[link.identifier]) for link in links if link.identifier in refused]
    return NodeLinks(tuple(linked), tuple(not_linked), carried)


def _several(
    node: Node, holdings: Mapping[NormalisedIdentifier, LiveIdentifier], policy: Policy
) -> tuple[dict[ExclusiveScope, list[NormalisedIdentifier]], dict[object, list[NormalisedIdentifier]]]:
    """The identifiers of each exclusive type and scope, and those of which only the latest counts.

    The latter are claims of one type, and a record's phones and e-mails.
    """
    exclusive: dict[ExclusiveScope, list[NormalisedIdentifier]] = {}
    one_at_a_time: dict[object, list[NormalisedIdentifier]] = {}
    is_record = node[0].startswith(_CRM)
    for identifier, holding in holdings.items():
        type_name = identifier[0]
        rule = policy.rule(type_name) or X_RULE
        if rule.exclusive is not None:
            scope = scope_of(rule.exclusive, cast("str", identifier[1]))
            exclusive.setdefault((type_name, scope), []).append(identifier)
        elif type_name != CONTACT:
            if rule.is_claim(holding.tier):
                one_at_a_time.setdefault((type_name, "claims"), []).append(identifier)
            if is_record and type_name in _ONE_ON_A_RECORD:
                one_at_a_time.setdefault((type_name, "record"), []).append(identifier)
    return exclusive, one_at_a_time


def _latest(
    values: list[NormalisedIdentifier], holdings: Mapping[NormalisedIdentifier, LiveIdentifier]
) -> NormalisedIdentifier:
    if len(values) == 1:
        return values[0]
    return max(values, key=lambda one: (holdings[one].latest, one[1]))
