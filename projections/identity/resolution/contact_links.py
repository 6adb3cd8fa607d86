"""The links of one contact, derived from its own statements alone: *register* and *shared device*.

The rules are in docs/identity-resolution.md#register and docs/identity-resolution.md#shared-device.

Choices where the rules allow two readings:

- a live statement whose assurance has no tier (null in a policy) makes no link and is no value of its contact. As a
  statement it still counts as the first assertion, as a value ever asserted, as the latest live assertion of a value
  that has a tier by its other assurance, and for founding the contact;
- the latest live assertion of a value is the latest over its assurances; where one event asserts two values, the
  greater value wins;
- *shared device* counts every value ever asserted, also retracted, superseded and tierless ones, but not blocked ones;
- a contact whose values of a type and scope *shared device* refuses has no such value any more (see ``holders``).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from projections.identity.resolution.evidence import Holding
from projections.identity.resolution.links import Excluded, Link, NormalisedIdentifier, RefusedLink
from projections.identity.resolution.policy import X_RULE, Policy, TypeRule
from projections.identity.resolution.values import normalise, scope_of
from schemas.events.base import Stamp

ExclusiveScope = tuple[str, str]  # (type, scope)


class ContactLinks(NamedTuple):
    """What one contact contributes to resolution. ``first_stated_at`` is the time of its earliest evidence, if any."""

    links: tuple[Link, ...]
    refused: tuple[RefusedLink, ...]
    excluded: tuple[Excluded, ...]
    first_stated_at: int | None


def derive_links(contact: str, stated: Mapping[NormalisedIdentifier, Holding], policy: Policy) -> ContactLinks:
    """Apply the rules that look at one contact alone to what was stated of it."""
    holdings, blocked = normalised(stated, policy)
    excluded = [Excluded(contact, *identifier, "blocked") for identifier in blocked]
    links: list[Link] = []
    refused: list[RefusedLink] = []
    exclusives: dict[ExclusiveScope, list[tuple[Stamp, Link]]] = {}
    for identifier, holding in holdings.items():
        rule = policy.rule(identifier[0]) or X_RULE
        live = _live(contact, identifier, holding, rule)
        if isinstance(live, Excluded):
            excluded.append(live)
        elif rule.exclusive is None:
            links.append(live[1])
        else:
            exclusives.setdefault((identifier[0], scope_of(rule.exclusive, identifier[1])), []).append(live)
    for key, candidates in exclusives.items():
        link = candidates[0][1] if len(candidates) == 1 else _latest(candidates, excluded)
        if (
            len(holdings) > policy.shared_device_limit
            and _count_asserted(key, holdings, policy) > policy.shared_device_limit
        ):
            refused.append(RefusedLink(link, "shared_device", key))
        else:
            links.append(link)
    first = min([holding.first_stated_at for holding in holdings.values()]) if holdings else None
    return ContactLinks(tuple(links), tuple(refused), tuple(excluded), first)


def normalised(
    stated: Mapping[NormalisedIdentifier, Holding], policy: Policy
) -> tuple[Mapping[NormalisedIdentifier, Holding], Iterable[NormalisedIdentifier]]:
    """The holdings by normalised value, and the identifiers that are blocked.

    Returns the given mapping itself if all its values are normalised already.
    """
    values = [normalise(type_name, value, policy) for type_name, value in stated]
    if values == [value for _, value in stated]:
        return stated, ()
    holdings: dict[NormalisedIdentifier, Holding] = {}
    blocked: list[NormalisedIdentifier] = []
    for (identifier, holding), value in zip(stated.items(), values, strict=True):
        if value is None:
            blocked.append(identifier)
            continue
        key = (identifier[0], value)
        known = holdings.get(key)
        holdings[key] = known.merge(holding) if known else holding
    return holdings, blocked


def _count_asserted(key: ExclusiveScope, holdings: Mapping[NormalisedIdentifier, Holding], policy: Policy) -> int:
    """The number of values of the type and scope that were ever asserted."""
    rule = policy.rule(key[0])
    exclusive = rule.exclusive if rule else None
    return sum(
        holding.first_asserted is not None
        for (type_name, value), holding in holdings.items()
        if exclusive and type_name == key[0] and scope_of(exclusive, value) == key[1]
    )


def _live(
    contact: str, identifier: NormalisedIdentifier, holding: Holding, rule: TypeRule
) -> tuple[Stamp, Link] | Excluded:
    """The link of a live identifier with the stamp of its latest live assertion, or why there is none."""
    verified, claimed = holding.live
    if holding.first_asserted is None or not (verified or claimed):
        return Excluded(contact, *identifier, "retracted")
    tier = rule.verified if verified else None
    if claimed and rule.claimed is not None and (tier is None or rule.claimed < tier):
        tier = rule.claimed
    if tier is None:
        return Excluded(contact, *identifier, "unaccepted")
    latest = max(verified, claimed) if verified and claimed else verified or claimed or holding.first_asserted
    return latest, Link(tier, holding.first_asserted[0], *identifier, contact)


def _latest(candidates: list[tuple[Stamp, Link]], excluded: list[Excluded]) -> Link:
    """The contact's one value of an exclusive type and scope; the others are set aside."""
    _, link = max(candidates, key=lambda one: (one[0], one[1].value))
    excluded.extend(
        Excluded(other.contact, other.type, other.value, "superseded_value")
        for _, other in candidates
        if other is not link
    )
    return link
