"""Finds the contacts that new evidence can affect: those whose links changed and the holders of what they link to.

Of an identifier only as many holders are read as show whether it is over its limit. An identifier over its limit links
nobody, so one more holder affects no other contact, however many hold it. Where an identifier comes to be over its
limit, or is no longer, the few contacts are affected that it linked before or links now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from projections.identity.contact_evidence import ContactEvidence
from projections.identity.contact_updates import ContactUpdate, Updates
from projections.identity.customer_summary import PREFERRED_TYPES
from projections.identity.keys import ContactKey, Holder, IdentifierKey
from projections.identity.resolution.contact_links import ContactLinks, derive_links
from projections.identity.resolution.links import NormalisedIdentifier
from projections.identity.rules import Rules
from projections.identity.statements import Statement
from projections.identity.tables import ConflictRow, LinkRow
from schemas.events.base import Stamp

Causes = dict[ContactKey, set[Stamp]]
OverLimitByTenant = Mapping[str, Mapping[NormalisedIdentifier, int]]
_NO_LINKS: Final = ContactLinks((), (), (), None)


@dataclass(slots=True)
class LinkChanges:
    """What changes in ``links``; ``holders_of`` are the contacts whose links to an identifier changed.

    ``changed`` are the contacts of which anything changed that resolution reads.
    """

    new: list[LinkRow] = field(default_factory=list)
    gone: list[LinkRow] = field(default_factory=list)
    holders_of: dict[IdentifierKey, list[ContactKey]] = field(default_factory=dict)
    changed: list[ContactKey] = field(default_factory=list)

    def limits(self, rules: Rules) -> dict[IdentifierKey, int]:
        """How many contacts may hold each of the identifiers."""
        return {identifier: _limit(identifier, rules) for identifier in self.holders_of}

    def lookups(self, rules: Rules) -> dict[IdentifierKey, int]:
        """How many holders of each identifier must be read: one more than its limit is left when links are gone."""
        lookups = {identifier: limit + 1 for identifier, limit in self.limits(rules).items()}
        for row in self.gone:
            lookups[row.identifier] += 1
        return lookups


@dataclass(slots=True)
class Affected:
    """``contacts`` are to be resolved again, with their components. ``causes`` are the events that affected each.

    ``over_limit`` has, by tenant, the identifiers whose links changed, with the strongest tier at which they are over
    their limit, or None. ``linked`` are the contacts that each of these identifiers links now. ``unlinked`` are
    contacts that lost a link or about which a decision changed: their components may have come apart.
    """

    contacts: dict[ContactKey, None] = field(default_factory=dict)  # an ordered set
    causes: Causes = field(default_factory=dict)
    over_limit: dict[str, dict[NormalisedIdentifier, int | None]] = field(default_factory=dict)
    linked: list[list[ContactKey]] = field(default_factory=list)
    unlinked: set[ContactKey] = field(default_factory=set)

    def add(self, contact_id: ContactKey, causes: Iterable[Stamp]) -> None:
        """Add a contact with the events that affect it."""
        self.contacts[contact_id] = None
        self.causes.setdefault(contact_id, set()).update(causes)


def link_changes(updates: Updates, rules: Rules) -> LinkChanges:
    """Derive the links of contacts whose holdings changed, and compare them with those they had."""
    changes = LinkChanges()
    for contact_id, update in updates.items():
        if _changed(contact_id, update, changes, rules):
            changes.changed.append(contact_id)
    return changes


def _changed(contact_id: ContactKey, update: ContactUpdate, changes: LinkChanges, rules: Rules) -> bool:
    """Whether anything changed that resolution reads of the contact."""
    before, after = update.before, update.after
    otherwise = (before.decisions, before.first_referenced_at) != (after.decisions, after.first_referenced_at)
    if before.holdings is after.holdings or before.holdings == after.holdings:
        return update.row is None or otherwise
    policy = rules.policy_of(contact_id[0]).policy
    then = derive_links(update.contact, before.holdings, policy) if before.holdings else _NO_LINKS
    now = update.links = derive_links(update.contact, after.holdings, policy)
    differ = _compare(contact_id, then, now, changes, rules)
    return (
        otherwise
        or differ
        or update.row is None
        or then.first_stated_at != now.first_stated_at
        or set(then.links) != set(now.links)
        or then.refused != ()
        or now.refused != ()  # one more value may have been the last that it took
        or _preferred_may_differ(before, after)
    )


def _compare(contact_id: ContactKey, then: ContactLinks, now: ContactLinks, changes: LinkChanges, rules: Rules) -> bool:
    """Add the links that are new or gone; whether any is."""
    before = {(link.type, link.value, link.tier) for link in then.links}
    after = {(link.type, link.value, link.tier) for link in now.links}
    if before == after:
        return False
    tenant = contact_id[0]
    resolution_id = rules.resolution_of(tenant)
    for links, rows in ((before - after, changes.gone), (after - before, changes.new)):
        for link in sorted(links):
            row = LinkRow(tenant, resolution_id, *link, contact_id[1])
            rows.append(row)
            changes.holders_of.setdefault(row.identifier, []).append(contact_id)
    return True


def _preferred_may_differ(before: ContactEvidence, after: ContactEvidence) -> bool:
    """Of phones and e-mails it also matters which was stated last."""
    return any(
        before.holdings.get(identifier) != after.holdings.get(identifier)
        for identifier in before.holdings.keys() | after.holdings.keys()
        if identifier[0] in PREFERRED_TYPES
    )


def find_affected(
    new: Iterable[Statement],
    updates: Updates,
    links: LinkChanges,
    holders: Mapping[IdentifierKey, list[Holder]],
    rules: Rules,
) -> Affected:
    """The contacts that new statements affect; ``holders`` are the stored ones that ``links.lookups`` asks for."""
    found = Affected(causes=_causes(new, rules))
    for contact_id in links.changed:
        found.contacts[contact_id] = None
        _add_decided(found, contact_id, updates[contact_id], rules)
    lost = {row.identifier for row in links.gone}
    after = _after(holders, links)
    for identifier, limit in links.limits(rules).items():
        changed = links.holders_of[identifier]
        then = _linked(identifier, holders.get(identifier, []), limit, rules)
        now = _linked(identifier, after[identifier], limit, rules)
        found.over_limit.setdefault(identifier[0], {})[identifier[1:]] = now.over_limit
        if identifier in lost or then.over_limit != now.over_limit:
            linked = dict.fromkeys((*then.contacts, *now.contacts))
            found.unlinked.update(linked, changed)
        else:  # those linked before are in one component already, so one of them leads to all
            before = set(then.contacts)
            linked = dict.fromkeys([one for one in now.contacts if one not in before] + then.contacts[:1])
        causes = set().union(*(found.causes.get(one, ()) for one in changed))
        for one in linked:
            found.add(one, causes)
        found.linked.append([one for one in now.contacts if one in linked])
    return found


def _causes(new: Iterable[Statement], rules: Rules) -> Causes:
    causes: Causes = {}
    for one in new:
        causes.setdefault(one.contact_id, set()).add(one.cause)
        tenant = one.contact_id[0]
        for other in one.others:
            causes.setdefault((tenant, rules.id_of(tenant, other)), set()).add(one.cause)
    return causes


def _add_decided(found: Affected, contact_id: ContactKey, update: ContactUpdate, rules: Rules) -> None:
    """Add the other contact of each pair about which a decision changed."""
    before, after = update.before.decisions, update.after.decisions
    if before is after:
        return
    for other in {**before, **after}:
        if before.get(other) != after.get(other):
            other_id = (contact_id[0], rules.id_of(contact_id[0], other))
            found.add(other_id, found.causes.get(contact_id, ()))
            found.unlinked |= {contact_id, other_id}


def _limit(identifier: IdentifierKey, rules: Rules) -> int:
    rule = rules.policy_of(identifier[0]).policy.rule(identifier[1])
    return rule.limit if rule else 0


def _after(before: Mapping[IdentifierKey, list[Holder]], links: LinkChanges) -> dict[IdentifierKey, list[Holder]]:
    """The first holders of each identifier once the changes are written."""
    held = {identifier: set(before.get(identifier, ())) for identifier in links.holders_of}
    for row in links.gone:
        held[row.identifier].discard(row.holder)
    for row in links.new:
        held[row.identifier].add(row.holder)
    return {identifier: sorted(holders) for identifier, holders in held.items()}


class _Linked(NamedTuple):
    """The contacts that an identifier links, and the tier from which on it is over its limit."""

    contacts: list[ContactKey]
    over_limit: int | None


def _linked(identifier: IdentifierKey, holders: list[Holder], limit: int, rules: Rules) -> _Linked:
    tenant, type_name, value = identifier
    itself = rules.id_of(tenant, value) if type_name == "contact" else None
    over_limit = over_limit_tier(holders, limit, itself)
    contacts = [(tenant, contact_id) for tier, contact_id in holders if over_limit is None or tier < over_limit]
    if itself is not None and contacts and (tenant, itself) not in contacts:
        contacts.append((tenant, itself))
    return _Linked(contacts, over_limit)


def over_limit_tier(holders: list[Holder], limit: int, itself: UUID | None) -> int | None:
    """The strongest tier at which more than ``limit`` contacts hold an identifier, given its first holders.

    ``itself``: the contact that the identifier names, which is a holder at every tier.
    """
    if itself is not None:
        holders = [holder for holder in holders if holder[1] != itself]
        limit -= 1
    return holders[limit][0] if len(holders) > limit else None


def over_limit_by_tenant(affected: Affected, conflicts: Iterable[ConflictRow]) -> OverLimitByTenant:
    """The identifiers over their limit, as far as it matters to contacts with these stored conflicts.

    Identifiers whose links changed were counted now; others are as the conflicts tell.
    """
    found: dict[str, dict[NormalisedIdentifier, int]] = {
        tenant: {identifier: tier for identifier, tier in counted.items() if tier is not None}
        for tenant, counted in affected.over_limit.items()
    }
    unchanged: dict[str, list[ConflictRow]] = {}
    for row in conflicts:
        if (row.type, row.value) not in affected.over_limit.get(row.tenant, {}):
            unchanged.setdefault(row.tenant, []).append(row)
    for tenant, rows in unchanged.items():
        found.setdefault(tenant, {}).update(over_limit_in_conflicts(rows))
    return found


def over_limit_in_conflicts(conflicts: Iterable[ConflictRow]) -> dict[NormalisedIdentifier, int]:
    """The identifiers over their limit, as far as it matters to the contacts of these conflicts.

    The tier may be weaker than the strongest one over the whole tenant; then no link of these contacts lies between.
    """
    found: dict[NormalisedIdentifier, int] = {}
    for row in conflicts:
        if row.reason == "generic":
            identifier = (row.type, row.value)
            found[identifier] = min(row.tier, found.get(identifier, row.tier))
    return found
