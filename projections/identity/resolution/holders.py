"""An identifier links nothing if too many contacts hold it or if its holders are different people.

The rules are docs/identity-resolution.md#generic-value and docs/identity-resolution.md#shared-value.

Choices where the rules allow two readings:

- each rule works on the set of links that the rule before it left: a value that *shared device* or *generic value*
  refused is no longer its contact's, so it neither makes the identifiers of others shared nor prevents joins;
- a contact holds the identifier ``contact:<its own key>`` at every tier, and is one holder of it even if it binds to
  itself;
- *shared value* considers every exclusive type, whatever tiers it guards.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from projections.identity.resolution.contact_links import ExclusiveScope
from projections.identity.resolution.links import Link, NormalisedIdentifier, RefusedLink
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import scope_of

# The strongest tier at which more contacts than the limit hold an identifier, counted over the whole tenant.
OverLimit = Mapping[NormalisedIdentifier, int]
# The exclusive values that each contact still has, at most one of a type and scope.
ExclusiveValues = Mapping[str, tuple[tuple[ExclusiveScope, str], ...]]


Groups = dict[NormalisedIdentifier, list[Link]]  # the links to each identifier


class Filtered(NamedTuple):
    """The links that a rule left, and those that it refused."""

    groups: Groups
    refused: list[RefusedLink]


def grouped(links: Iterable[Link]) -> Groups:
    """The links by their identifiers."""
    groups: Groups = {}
    for link in links:
        identifier = (link.type, link.value)
        known = groups.get(identifier)
        if known is None:
            groups[identifier] = [link]
        else:
            known.append(link)
    return groups


def find_over_limit(groups: Groups, policy: Policy) -> dict[NormalisedIdentifier, int]:
    """The identifiers with more holders than their limit by these links alone, with the strongest such tier."""
    found: dict[NormalisedIdentifier, int] = {}
    for identifier, links in groups.items():
        tier = _over_limit_tier(identifier, links, policy)
        if tier is not None:
            found[identifier] = tier
    return found


def without_generic(groups: Groups, over_limit: OverLimit) -> Filtered:
    """*Generic value*: refuse the links of an identifier at the tiers where more contacts than the limit hold it."""
    left = dict(groups) if over_limit else groups
    refused: list[RefusedLink] = []
    for identifier, tier in over_limit.items():
        links = groups.get(identifier, [])
        refused.extend(RefusedLink(link, "generic") for link in links if link.tier >= tier)
        left[identifier] = [link for link in links if link.tier < tier]
    return Filtered(left, refused)


def without_shared(groups: Groups, values_of: ExclusiveValues, policy: Policy) -> Filtered:
    """*Shared value*: refuse the links of a non-exclusive identifier whose holders differ in an exclusive value."""
    refused: list[RefusedLink] = []
    left: Groups = {}
    for identifier, links in groups.items():
        conflict = _conflicting_values(identifier, links, values_of, policy)
        if conflict is not None:
            tier, detail = conflict
            refused.extend(RefusedLink(link, "shared", detail) for link in links if link.tier >= tier)
            left[identifier] = [link for link in links if link.tier < tier]
    return Filtered({**groups, **left} if left else groups, refused)


def exclusive_values_of(groups: Groups, policy: Policy) -> ExclusiveValues:
    """The exclusive values that contacts have by these links."""
    values_of: dict[str, tuple[tuple[ExclusiveScope, str], ...]] = {}
    keys: dict[ExclusiveScope, ExclusiveScope] = {}
    for (type_name, value), links in groups.items():
        rule = policy.rule(type_name)
        if rule is None or rule.exclusive is None:
            continue
        key = (type_name, scope_of(rule.exclusive, value))
        has = ((keys.setdefault(key, key), value),)
        for link in links:
            values_of[link.contact] = values_of[link.contact] + has if link.contact in values_of else has
    return values_of


def _holders_by_tier(identifier: NormalisedIdentifier, links: list[Link]) -> Iterator[tuple[int, list[str]]]:
    """The contacts that hold the identifier at each tier, the strongest tier first.

    The contact that a ``contact`` identifier names holds it at the strongest tier.
    """
    itself = identifier[1] if identifier[0] == "contact" else None
    first = [itself] if itself is not None else []
    for tier in sorted({link.tier for link in links}):
        yield tier, first + [link.contact for link in links if link.tier == tier and link.contact != itself]
        first = []


def _over_limit_tier(identifier: NormalisedIdentifier, links: list[Link], policy: Policy) -> int | None:
    rule = policy.rule(identifier[0])
    if rule is None or len(links) < rule.limit:  # not even with the contact itself beside its links
        return None
    count = 0
    for tier, more in _holders_by_tier(identifier, links):
        count += len(more)
        if count > rule.limit:
            return tier
    return None


def _conflicting_values(
    identifier: NormalisedIdentifier, links: list[Link], values_of: ExclusiveValues, policy: Policy
) -> tuple[int, tuple[str, ...]] | None:
    """The strongest tier whose holders have two values of one exclusive type and scope, with two such values."""
    if len(links) == 1 and identifier[0] != "contact":
        return None
    rule = policy.rule(identifier[0])
    if rule is None or rule.exclusive:
        return None
    values: dict[ExclusiveScope, set[str]] = {}
    for tier, more in _holders_by_tier(identifier, links):
        for contact in more:
            for key, value in values_of.get(contact, ()):
                values.setdefault(key, set()).add(value)
        conflict = min((key for key, several in values.items() if len(several) > 1), default=None)
        if conflict is not None:
            first, second, *_ = sorted(values[conflict])
            return tier, (conflict[0], first, second)
    return None
