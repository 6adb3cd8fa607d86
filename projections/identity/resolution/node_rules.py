"""*Shared contact*, *exclusive register*, *one at a time*: which of a node's identifiers link it.

These rules look at one node alone.
"""

from collections.abc import Iterable, Mapping
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
    for scope, values in _exclusive(holdings, policy).items():
        best = _latest(values, holdings)
        carried[scope] = cast("str", best[1])
        if len(values) > policy.shared_device_limit:
            refused.update(dict.fromkeys(values, "shared_device"))
        else:
            refused.update({one: "superseded" for one in values if one != best})
    for values in _one_at_a_time(node, holdings, policy):
        best = _latest(values, holdings)
        refused.update({one: "superseded" for one in values if one != best})
    links, not_linked = [], []
    for identifier, holding in holdings.items():
        link = Link(holding.tier, holding.since, *identifier, node)
        if identifier in refused:
            not_linked.append(RefusedLink(link, refused[identifier]))
        else:
            links.append(link)
    return NodeLinks(tuple(sorted(links)), tuple(sorted(not_linked)), carried)


def _exclusive(
    holdings: Iterable[NormalisedIdentifier], policy: Policy
) -> dict[ExclusiveScope, list[NormalisedIdentifier]]:
    """The identifiers of each exclusive type and scope."""
    values: dict[ExclusiveScope, list[NormalisedIdentifier]] = {}
    for identifier in holdings:
        rule = policy.rule(identifier[0])
        if rule is not None and rule.exclusive is not None:
            scope = scope_of(rule.exclusive, cast("str", identifier[1]))
            values.setdefault((identifier[0], scope), []).append(identifier)
    return values


def _one_at_a_time(
    node: Node, holdings: Mapping[NormalisedIdentifier, LiveIdentifier], policy: Policy
) -> Iterable[list[NormalisedIdentifier]]:
    """The identifiers of which only the latest counts: claims of one type, and a record's phones and e-mails."""
    claims: dict[str, list[NormalisedIdentifier]] = {}
    record: dict[str, list[NormalisedIdentifier]] = {}
    for identifier, holding in holdings.items():
        type_name = identifier[0]
        rule = policy.rule(type_name) or X_RULE
        if rule.exclusive is None and type_name != CONTACT and rule.is_claim(holding.tier):
            claims.setdefault(type_name, []).append(identifier)
        if rule.exclusive is None and type_name in _ONE_ON_A_RECORD and node[0].startswith(_CRM):
            record.setdefault(type_name, []).append(identifier)
    yield from claims.values()
    yield from record.values()


def _latest(
    values: list[NormalisedIdentifier], holdings: Mapping[NormalisedIdentifier, LiveIdentifier]
) -> NormalisedIdentifier:
    return max(values, key=lambda one: (holdings[one].latest, one[1]))
