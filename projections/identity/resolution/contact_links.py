"""Rules 1 to 3: what is left of one contact's own statements. No other contact has a say in it.

How a reading was chosen where two are possible:

- a live statement whose assurance has no tier (a dash in the table, null in a policy) makes no link and is no value of
  its contact; as a statement it still counts for ``since``, for what was ever asserted, for the latest live assertion
  of a value that has a tier by its other assurance, and for founding the contact;
- the latest live assertion of a value is the latest of its assurances; where two values of one event tie for it, the
  greater value counts;
- rule 3 counts every value ever asserted: retracted, superseded and tierless ones too, but not blocked ones;
- a contact that links through no value of a type and scope by rule 3 has none of it any more (see ``holders``).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from projections.identity.resolution.evidence import Holding, Stamp
from projections.identity.resolution.links import Identifier, Link, Refused, SetAside
from projections.identity.resolution.policy import X_RULE, Policy, TypeRule
from projections.identity.resolution.values import normalise, scope_of

ExclusiveScope = tuple[str, str]  # (type, scope)


class ContactLinks(NamedTuple):
    """What one contact brings to resolution. ``stated`` is its earliest statement that is evidence, if any."""

    links: tuple[Link, ...]
    refused: tuple[Refused, ...]
    set_aside: tuple[SetAside, ...]
    stated: int | None


def stand(contact: str, stated: Mapping[Identifier, Holding], policy: Policy) -> ContactLinks:
    """Rules 1 to 3 on what was stated of a contact."""
    holdings, blocked = not_blocked(stated, policy)
    set_aside = [SetAside(contact, *identifier, "blocked") for identifier in blocked]
    links: list[Link] = []
    refused: list[Refused] = []
    registers: dict[ExclusiveScope, list[tuple[Stamp, Link]]] = {}
    for identifier, holding in holdings.items():
        rule = policy.rule(identifier[0]) or X_RULE
        live = _live(contact, identifier, holding, rule)
        if isinstance(live, SetAside):
            set_aside.append(live)
        elif rule.exclusive is None:
            links.append(live[1])
        else:
            registers.setdefault((identifier[0], scope_of(rule.exclusive, identifier[1])), []).append(live)
    for key, candidates in registers.items():
        link = candidates[0][1] if len(candidates) == 1 else _latest(candidates, set_aside)
        if len(holdings) > policy.shared_device_limit and _ever(key, holdings, policy) > policy.shared_device_limit:
            refused.append(Refused(link, "shared_device", key))
        else:
            links.append(link)
    first = min([holding.stated for holding in holdings.values()]) if holdings else None
    return ContactLinks(tuple(links), tuple(refused), tuple(set_aside), first)


def not_blocked(
    stated: Mapping[Identifier, Holding], policy: Policy
) -> tuple[Mapping[Identifier, Holding], Iterable[Identifier]]:
    """Rule 1: what was stated, by normalised value, and the identifiers that are no evidence.

    The mapping is the one that was given if nothing in it is spelt otherwise.
    """
    spelt = [normalise(type_name, value, policy) for type_name, value in stated]
    if spelt == [value for _, value in stated]:
        return stated, ()
    holdings: dict[Identifier, Holding] = {}
    blocked: list[Identifier] = []
    for (identifier, holding), value in zip(stated.items(), spelt, strict=True):
        if value is None:
            blocked.append(identifier)
            continue
        key = (identifier[0], value)
        known = holdings.get(key)
        holdings[key] = known.merge(holding) if known else holding
    return holdings, blocked


def _ever(key: ExclusiveScope, holdings: Mapping[Identifier, Holding], policy: Policy) -> int:
    """How many values of the type and scope were ever asserted."""
    rule = policy.rule(key[0])
    exclusive = rule.exclusive if rule else None
    return sum(
        holding.since is not None
        for (type_name, value), holding in holdings.items()
        if exclusive and type_name == key[0] and scope_of(exclusive, value) == key[1]
    )


def _live(contact: str, identifier: Identifier, holding: Holding, rule: TypeRule) -> tuple[Stamp, Link] | SetAside:
    """The link of a live identifier with its latest live assertion, or why it is none."""
    verified, claimed = holding.live
    if holding.since is None or not (verified or claimed):
        return SetAside(contact, *identifier, "retracted")
    tier = rule.verified if verified else None
    if claimed and rule.claimed is not None and (tier is None or rule.claimed < tier):
        tier = rule.claimed
    if tier is None:
        return SetAside(contact, *identifier, "unaccepted")
    latest = max(verified, claimed) if verified and claimed else verified or claimed or holding.since
    return latest, Link(tier, holding.since[0], *identifier, contact)


def _latest(candidates: list[tuple[Stamp, Link]], set_aside: list[SetAside]) -> Link:
    """The contact's one value of an exclusive type and scope; the others are set aside."""
    _, link = max(candidates, key=lambda one: (one[0], one[1].value))
    set_aside.extend(
        SetAside(other.contact, other.type, other.value, "superseded_value")
        for _, other in candidates
        if other is not link
    )
    return link
