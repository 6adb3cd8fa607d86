"""Whom news reaches: contacts whose links changed, and those who hold, or held, the same values.

Of a value only as many holders are read as tell whether it is held by too many. Such a value ties nobody together,
so one more who holds it reaches nobody else, however many they are; where it becomes one, or ceases to be one,
those few are reached that it tied before or ties now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from projections.identity.contact_evidence import ContactEvidence
from projections.identity.contact_updates import ContactUpdate, Files, others_in
from projections.identity.ports import Identities, Rules
from projections.identity.resolution.contact_links import ContactLinks, derive_links
from projections.identity.resolution.evidence import Stamp
from projections.identity.resolution.links import Identifier
from projections.identity.resolution.policy import Policy
from projections.identity.statements import Statement
from projections.identity.store import ContactKey, Holder, Value
from projections.identity.summaries import BEST_OF
from projections.identity.tables import ConflictRow, LinkRow

Causes = dict[ContactKey, set[Stamp]]
_NOTHING: Final = ContactLinks((), (), (), None)


@dataclass(slots=True)
class Affected:
    """``contacts`` are to be resolved again, with all in their components. ``causes`` are the events that reached each.

    ``crowds`` has, by tenant, the values whose links changed, with the strongest tier at which too many hold them, or
    None. ``ties`` are the contacts that each of these values ties together now. ``parted`` are contacts that lost a
    tie or of whom something new was decided: what holds their components together isn't known without a look.
    """

    contacts: set[ContactKey] = field(default_factory=set)
    causes: Causes = field(default_factory=dict)
    crowds: dict[str, dict[Identifier, int | None]] = field(default_factory=dict)
    ties: list[list[ContactKey]] = field(default_factory=list)
    parted: set[ContactKey] = field(default_factory=set)

    def add(self, who: ContactKey, causes: Iterable[Stamp]) -> None:
        """Reach a contact."""
        self.contacts.add(who)
        self.causes.setdefault(who, set()).update(causes)


@dataclass(slots=True)
class _Relinking:
    gone: list[LinkRow] = field(default_factory=list)
    new: list[LinkRow] = field(default_factory=list)
    by_value: dict[Value, list[ContactKey]] = field(default_factory=dict)  # whose links to it changed


async def reach(identities: Identities, files: Files, news: Iterable[Statement], rules: Rules) -> Affected:
    """Whom the news reaches; links are written."""
    found, relinking = Affected(causes=_causes(news, rules)), _Relinking()
    for who, file in files.items():
        if _changes(who, file, relinking, rules.policy_of(who[0]).policy):
            found.contacts.add(who)
            _reach_decided(found, who, file, rules)
    limits = {value: _limit(value, rules) for value in relinking.by_value}
    before = await identities.holders({value: limit + 1 for value, limit in limits.items()})
    if relinking.gone or relinking.new:
        await identities.relink(relinking.gone, relinking.new)
    after = await _after(identities, before, relinking, limits)
    lost = {row[:3] for row in relinking.gone}
    for value, whose in relinking.by_value.items():
        causes = set().union(*(found.causes.get(who, ()) for who in whose))
        then = _tied(value, before.get(value, []), limits[value], rules)
        now = _tied(value, after.get(value, []), limits[value], rules)
        found.crowds.setdefault(value[0], {})[value[1], value[2]] = now.crowd
        if value in lost or then.crowd != now.crowd:
            tied = {*then.contacts, *now.contacts}
            found.parted.update(tied, whose)
        else:  # whom it tied before live together already, so one of them leads to all
            tied = set(now.contacts).difference(then.contacts).union(then.contacts[:1])
        for who in tied:
            found.add(who, causes)
        found.ties.append([who for who in now.contacts if who in tied])
    return found


class _Tied(NamedTuple):
    """Whom a value ties together, and from which tier on it is held by too many."""

    contacts: list[ContactKey]
    crowd: int | None


def _causes(news: Iterable[Statement], rules: Rules) -> Causes:
    causes: Causes = {}
    for one in news:
        causes.setdefault(one.who, set()).add(one.cause)
        for other in others_in(one):
            causes.setdefault((one.who[0], rules.id_of(one.who[0], other)), set()).add(one.cause)
    return causes


def _changes(who: ContactKey, file: ContactUpdate, relinking: _Relinking, policy: Policy) -> bool:
    """Whether anything that resolution reads of the contact changed; its links are compared."""
    before, after = file.before, file.after
    if before.holdings is after.holdings or before.holdings == after.holdings:
        return file.row is None or (before.decisions, before.named_at) != (after.decisions, after.named_at)
    then = derive_links(file.contact, before.holdings, policy) if before.holdings else _NOTHING
    now = file.standing = derive_links(file.contact, after.holdings, policy)
    _relink(who, then, now, relinking)
    return (
        file.row is None
        or then.first_stated_at != now.first_stated_at
        or set(then.links) != set(now.links)
        or then.refused != ()
        or now.refused != ()  # one more value may be the last that it took
        or _best_may_differ(before, after)
        or (before.decisions, before.named_at) != (after.decisions, after.named_at)
    )


def _best_may_differ(before: ContactEvidence, after: ContactEvidence) -> bool:
    """Of phones and e-mails it also matters which was stated last."""
    return any(
        before.holdings.get(identifier) != after.holdings.get(identifier)
        for identifier in before.holdings.keys() | after.holdings.keys()
        if identifier[0] in BEST_OF
    )


def _relink(who: ContactKey, then: ContactLinks, now: ContactLinks, relinking: _Relinking) -> None:
    tenant, contact_id = who
    before = {(link.type, link.value, link.tier) for link in then.links}
    after = {(link.type, link.value, link.tier) for link in now.links}
    for links, rows in ((before - after, relinking.gone), (after - before, relinking.new)):
        for link in links:
            rows.append(LinkRow(tenant, *link, contact_id))
            whose = relinking.by_value.setdefault((tenant, link[0], link[1]), [])
            whose.append(who)


def _reach_decided(found: Affected, who: ContactKey, file: ContactUpdate, rules: Rules) -> None:
    """The other side of pairs of which staff decided something new."""
    if file.before.decisions is file.after.decisions:
        return
    for other in file.before.decisions.keys() | file.after.decisions.keys():
        if file.before.decisions.get(other) != file.after.decisions.get(other):
            found.add((who[0], rules.id_of(who[0], other)), found.causes.get(who, ()))
            found.parted |= {who, (who[0], rules.id_of(who[0], other))}


def _limit(value: Value, rules: Rules) -> int:
    tenant, type_name, _ = value
    rule = rules.policy_of(tenant).policy.rule(type_name)
    return rule.limit if rule else 0


async def _after(
    identities: Identities, before: Mapping[Value, list[Holder]], relinking: _Relinking, limits: Mapping[Value, int]
) -> dict[Value, list[Holder]]:
    """The holders once the links are written: read again only where one is gone and more are there than were read."""
    lost = {row[:3] for row in relinking.gone}
    again = {
        value: limit + 1 for value, limit in limits.items() if value in lost and len(before.get(value, ())) > limit
    }
    held = {value: set(before.get(value, ())) for value in limits if value not in again}
    for rows, change in ((relinking.gone, set.discard), (relinking.new, set.add)):
        for tenant, type_name, value, tier, contact_id in rows:
            holders = held.get((tenant, type_name, value))
            if holders is not None:
                change(holders, (tier, contact_id))
    after = {value: sorted(holders)[: limits[value] + 1] for value, holders in held.items()}
    return after | await identities.holders(again) if again else after


def _tied(value: Value, holders: list[Holder], limit: int, rules: Rules) -> _Tied:
    tenant, type_name, text = value
    itself = rules.id_of(tenant, text) if type_name == "contact" else None
    crowd = over_limit_tier(holders, limit, itself)
    tied = [(tenant, contact_id) for tier, contact_id in holders if crowd is None or tier < crowd]
    if itself is not None and tied and (tenant, itself) not in tied:
        tied.append((tenant, itself))
    return _Tied(tied, crowd)


def over_limit_tier(holders: list[Holder], limit: int, itself: UUID | None) -> int | None:
    """The strongest tier at which more than ``limit`` hold a value, of its first holders.

    A contact is, at every tier, a holder of the identifier that it is.
    """
    if itself is not None:
        holders = [holder for holder in holders if holder[1] != itself]
        limit -= 1
    return holders[limit][0] if len(holders) > limit else None


def over_limit_in_conflicts(refused: Iterable[ConflictRow]) -> dict[Identifier, int]:
    """The values that too many hold, as far as it matters to the contacts whose refused links these are.

    (The tier may be a weaker one than that of the whole tenant's crowd: then none of their links lies between.)
    """
    crowded: dict[Identifier, int] = {}
    for row in refused:
        if row.reason == "generic":
            identifier = (row.type, row.value)
            crowded[identifier] = min(row.tier, crowded.get(identifier, row.tier))
    return crowded
