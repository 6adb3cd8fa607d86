"""Rules 4 and 5: an identifier that too many hold, or people who are told apart, links nothing.

How a reading was chosen where two are possible:

- "the set left by the one before" is a set of links: a value that rule 3 or 4 refused is no longer its contact's, so
  it neither makes others' identifiers shared (rule 5) nor stands against joins (rule 7);
- a contact holds the identifier ``contact:<its own key>`` at every tier, and is one holder of it, also if it binds
  to itself;
- rule 5 looks at every exclusive type, whatever tiers it guards.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from projections.identity.resolution.contact_links import ExclusiveScope
from projections.identity.resolution.links import Identifier, Link, Refused
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import scope_of

# Of some identifiers, the strongest tier at which too many hold them, as counted over the whole tenant.
Crowds = Mapping[Identifier, int]
# The exclusive values that each contact still has, at most one of a type and scope.
Carried = Mapping[str, tuple[tuple[ExclusiveScope, str], ...]]


Groups = dict[Identifier, list[Link]]  # the links to each identifier


class Sifted(NamedTuple):
    """Links that a rule left, and those it refused."""

    groups: Groups
    refused: list[Refused]


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


def crowds(groups: Groups, policy: Policy) -> dict[Identifier, int]:
    """The identifiers that are generic by these links alone, with the strongest tier at which they are."""
    found: dict[Identifier, int] = {}
    for identifier, links in groups.items():
        tier = _crowded_at(identifier, links, policy)
        if tier is not None:
            found[identifier] = tier
    return found


def without_generic(groups: Groups, generic: Crowds) -> Sifted:
    """Rule 4: drop the links of an identifier at the tiers where too many hold it."""
    left = dict(groups) if generic else groups
    refused: list[Refused] = []
    for identifier, tier in generic.items():
        links = groups.get(identifier, [])
        refused.extend(Refused(link, "generic") for link in links if link.tier >= tier)
        left[identifier] = [link for link in links if link.tier < tier]
    return Sifted(left, refused)


def without_shared(groups: Groups, carried: Carried, policy: Policy) -> Sifted:
    """Rule 5: drop the links of a non-exclusive identifier whose holders are told apart by an exclusive type."""
    refused: list[Refused] = []
    left: Groups = {}
    for identifier, links in groups.items():
        apart = _told_apart(identifier, links, carried, policy)
        if apart is not None:
            tier, detail = apart
            refused.extend(Refused(link, "shared", detail) for link in links if link.tier >= tier)
            left[identifier] = [link for link in links if link.tier < tier]
    return Sifted({**groups, **left} if left else groups, refused)


def carried_by(groups: Groups, policy: Policy) -> Carried:
    """The exclusive values that contacts have by these links."""
    carried: dict[str, tuple[tuple[ExclusiveScope, str], ...]] = {}
    keys: dict[ExclusiveScope, ExclusiveScope] = {}
    for (type_name, value), links in groups.items():
        rule = policy.rule(type_name)
        if rule is None or rule.exclusive is None:
            continue
        key = (type_name, scope_of(rule.exclusive, value))
        has = ((keys.setdefault(key, key), value),)
        for link in links:
            carried[link.contact] = carried[link.contact] + has if link.contact in carried else has
    return carried


def _holders_by_tier(identifier: Identifier, links: list[Link]) -> Iterator[tuple[int, list[str]]]:
    """The contacts that come in at each tier with a link, the strongest first; an identifier's own contact at once."""
    itself = identifier[1] if identifier[0] == "contact" else None
    first = [itself] if itself is not None else []
    for tier in sorted({link.tier for link in links}):
        yield tier, first + [link.contact for link in links if link.tier == tier and link.contact != itself]
        first = []


def _crowded_at(identifier: Identifier, links: list[Link], policy: Policy) -> int | None:
    rule = policy.rule(identifier[0])
    if rule is None or len(links) < rule.limit:  # not even with the contact itself beside its links
        return None
    count = 0
    for tier, more in _holders_by_tier(identifier, links):
        count += len(more)
        if count > rule.limit:
            return tier
    return None


def _told_apart(
    identifier: Identifier, links: list[Link], carried: Carried, policy: Policy
) -> tuple[int, tuple[str, ...]] | None:
    """The strongest tier whose holders carry two values of one exclusive type and scope, with two such values."""
    if len(links) == 1 and identifier[0] != "contact":
        return None
    rule = policy.rule(identifier[0])
    if rule is None or rule.exclusive:
        return None
    values: dict[ExclusiveScope, set[str]] = {}
    for tier, more in _holders_by_tier(identifier, links):
        for contact in more:
            for key, value in carried.get(contact, ()):
                values.setdefault(key, set()).add(value)
        apart = min((key for key, several in values.items() if len(several) > 1), default=None)
        if apart is not None:
            first, second, *_ = sorted(values[apart])
            return tier, (apart[0], first, second)
    return None
