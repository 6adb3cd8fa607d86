"""The short way: who comes to a peaceful component, or stays in it, without making trouble, needs no resolving.

`customer_rows` says what peace is. News is settled here where no tie was lost, nothing was decided, nobody is a
shared device, and of each exclusive type and scope there is still one value: then all whom the news ties together,
newcomers and peaceful components, are one customer, and what their other contacts stated need not even be read.
Everything else is left to `outcome`, which comes to the same, only slower.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import NamedTuple
from uuid import UUID

from projections.identity.affected import Affected, over_limit_in_conflicts
from projections.identity.change_events import latest_causes, told_of
from projections.identity.conflict_rows import refusal_row
from projections.identity.contact_updates import ContactUpdate, Files
from projections.identity.ports import Identities, Rules
from projections.identity.resolution.contact_links import normalised
from projections.identity.resolution.evidence import Holding
from projections.identity.resolution.links import Identifier, Link, Refused
from projections.identity.resolution.membership_changes import Change, changes, grown
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import normalise
from projections.identity.store import ContactKey, CurrentCustomer, IdentityDelta, Move
from projections.identity.summaries import (
    BEST_OF,
    MEMBER,
    Bests,
    Exclusives,
    Standard,
    best_of,
    exclusives_in,
    standard_of,
)
from projections.identity.tables import ConflictRow, CustomerRow, MemberRow
from schemas.changes import CustomerChange

LookedAt = Mapping[str, Mapping[Identifier, int | None]]  # by tenant, a value's crowd


@dataclass(slots=True)
class Group:
    """Contacts that the news reached and ties together, those of them with news, and the customers they belong to."""

    contacts: list[ContactKey] = field(default_factory=list)
    newcomers: list[ContactKey] = field(default_factory=list)
    known: list[ContactKey] = field(default_factory=list)
    homes: dict[UUID, CustomerRow] = field(default_factory=dict)  # by customer_id

    @property
    def tenant(self) -> str:
        """Whose they are."""
        return self.contacts[0][0]


class Settled(NamedTuple):
    """A group with the customer that it is."""

    group: Group
    customer: CustomerRow
    generic: dict[ContactKey, list[Link]]  # links that join nothing, since too many hold the value

    @property
    def news(self) -> bool:
        """Whether anybody belongs to another customer than before."""
        homes = self.group.homes
        return bool(self.group.newcomers) or len(homes) > 1 or self.customer.customer_id not in homes


async def settle_in_peace(
    identities: Identities, files: Files, reached: Affected, rules: Rules
) -> tuple[list[IdentityDelta], set[ContactKey]]:
    """What is to be written of those for whom the short way does, and who they are."""
    stored = [who for who in reached.contacts if who not in files or files[who].row is not None]
    homes = await identities.homes(stored)
    crowds = await _crowds(identities, files, reached)
    settled = [
        one for group in _groups(files, reached, homes) if (one := _settled(group, files, crowds, rules)) is not None
    ]
    crews = await identities.crews(
        [
            (one.group.tenant, home)
            for one in settled
            if one.news and rules.policy_of(one.group.tenant).told
            for home in one.group.homes
        ]
    )
    outcome = _Draft()
    for one in settled:
        _write_customer(outcome, one)
        _write_members(outcome, one, files)
        if one.news and rules.policy_of(one.group.tenant).told:
            _tell(outcome, one, crews, files, reached, rules)
    return [outcome.outcome], {who for one in settled for who in one.group.contacts}


async def _crowds(identities: Identities, files: Files, reached: Affected) -> LookedAt:
    """Which values too many hold: those looked at now, and by the refusals of old, those whose links didn't change.

    In a peaceful component that is what links are refused for, and news of the contact must not make them count again.
    """
    refused = [
        who
        for who in reached.contacts
        if (file := files.get(who)) and file.row and file.row.refused and file.standing is not None
    ]
    crowds = {tenant: dict(values) for tenant, values in reached.crowds.items()}
    for row in await identities.refusals(refused):
        looked_at = reached.crowds.get(row.tenant, {})
        for value, tier in over_limit_in_conflicts([row]).items():
            if value not in looked_at:
                known = crowds.setdefault(row.tenant, {})
                known[value] = min(tier, known.get(value) or tier)
    return crowds


def _groups(files: Files, reached: Affected, homes: Mapping[ContactKey, CurrentCustomer]) -> Iterable[Group]:
    """Those whom the news ties together, and those who live together; without those that need a closer look."""
    roots = _Roots()
    restless = {who for who in reached.contacts if who in reached.parted or _restless(files.get(who))}
    for tied in reached.ties:
        for who in tied[1:]:
            roots.join(tied[0], who)
    first: dict[ContactKey, ContactKey] = {}
    for who, home in homes.items():
        roots.join(who, first.setdefault((who[0], home.component), who))
        if home.customer.exclusive is None or home.customer.founded_at is None:
            restless.add(who)
    restless_roots = {roots.find(who) for who in restless}
    groups: dict[ContactKey, Group] = {}
    for who in reached.contacts:
        root = roots.find(who)
        if root not in restless_roots:
            _enter(groups.setdefault(root, Group()), who, files, homes.get(who))
    return groups.values()


def _enter(group: Group, who: ContactKey, files: Files, home: CurrentCustomer | None) -> None:
    group.contacts.append(who)
    if home is None:
        group.newcomers.append(who)
        return
    group.homes[home.customer.customer_id] = home.customer
    if who in files:
        group.known.append(who)


def _restless(file: ContactUpdate | None) -> bool:
    """Whether the contact itself keeps its component from being peaceful, or may do."""
    if file is None:
        return False
    if file.taken_back or file.before.decisions or file.after.decisions:
        return True
    return file.standing is not None and (bool(file.standing.refused) or _may_be_earlier(file))


def _may_be_earlier(file: ContactUpdate) -> bool:
    """Whether what was stated last may be something earlier than it was: a maximum may have to become less.

    Something is retracted that wasn't, or a phone or an e-mail is vouched for by an earlier event; and what is spelt
    in a way that wasn't known may be one that was.
    """
    before = file.before.holdings
    return any(
        _sinks(identifier[0], before.get(identifier), holding, before)
        for identifier, holding in file.after.holdings.items()
        if before.get(identifier) != holding
    )


def _sinks(type_name: str, then: Holding | None, now: Holding, before: Mapping[Identifier, Holding]) -> bool:
    if then is not None:
        return now.last_retracted is not None or (
            type_name in BEST_OF and then.first_intrinsic not in {None, now.first_intrinsic}
        )
    if type_name not in BEST_OF or (now.last_retracted is None and now.first_intrinsic is None):
        return False
    return any(known == type_name for known, _ in before)


class _Roots:
    """Disjoint sets of contacts."""

    def __init__(self) -> None:
        self._parents: dict[ContactKey, ContactKey] = {}

    def find(self, who: ContactKey) -> ContactKey:
        parents = self._parents
        parent = parents.get(who, who)
        while parent != who:
            parents[who] = parents.get(parent, parent)
            who, parent = parent, parents.get(parent, parent)
        return who

    def join(self, one: ContactKey, other: ContactKey) -> None:
        one, other = self.find(one), self.find(other)
        if one != other:
            self._parents[other] = one


def _settled(group: Group, files: Files, crowds: LookedAt, rules: Rules) -> Settled | None:
    """What customer the group is; None where that takes a closer look."""
    tenant = group.tenant
    policy = rules.policy_of(tenant).policy
    merged: Standard | None = None
    for row in group.homes.values():
        home = standard_of(row)
        merged = merged.merge(home) if merged else home
    merged = merged or Standard(files[group.contacts[0]].contact, None, 0, None, {}, {})
    generic: dict[ContactKey, list[Link]] = {}
    for who in (*group.newcomers, *group.known):
        links, crowded = _sifted(files[who], crowds.get(tenant, {}))
        merged = merged.merge(_alone(files[who], links, who in group.newcomers, merged.exclusive, policy))
        if crowded:
            generic[who] = crowded
    if merged.exclusive is None:
        return None
    return Settled(group, merged.row(tenant, rules.id_of(tenant, merged.founder)), generic)


def _alone(file: ContactUpdate, links: list[Link], new: bool, known: Exclusives | None, policy: Policy) -> Standard:  # noqa: FBT001
    """The contact as if it were a customer by itself, with the exclusive values known so far."""
    exclusive = exclusives_in(links, policy, known) if known is not None else None
    member_id = exclusive.get(MEMBER) if exclusive else None
    best = _best(file, links, policy)
    return Standard(file.contact, _founded_at(file, policy), int(new), member_id, best, exclusive)


def _sifted(file: ContactUpdate, crowds: Mapping[Identifier, int | None]) -> tuple[list[Link], list[Link]]:
    """The contact's links that tie and those to what too many hold."""
    links: list[Link] = []
    crowded: list[Link] = []
    if file.standing is not None:
        for link in file.standing.links:
            tier = crowds.get(link.identifier)
            (links if tier is None or link.tier < tier else crowded).append(link)
    return links, crowded


def _best(file: ContactUpdate, links: Iterable[Link], policy: Policy) -> Bests:
    offered = [link for link in links if link.type in BEST_OF]
    return best_of(offered, _as_spelt(file.after.holdings, offered, policy)) if offered else {}


def _as_spelt(
    holdings: Mapping[Identifier, Holding], links: list[Link], policy: Policy
) -> Mapping[Identifier, Holding]:
    """The holdings behind the links, by normalised value."""
    stated = [type_name for type_name, _ in holdings]
    if all(stated.count(link.type) == 1 for link in links):  # then there is no need to spell any
        by_type = {identifier[0]: holding for identifier, holding in holdings.items()}
        return {link.identifier: by_type[link.type] for link in links}
    return normalised(holdings, policy)[0]


def _founded_at(file: ContactUpdate, policy: Policy) -> int | None:
    """When a contact with news was founded, as far as the news can have changed that."""
    stated = file.standing.first_stated_at if file.standing is not None else None
    named = file.after.named_at
    if named is None or normalise("contact", file.contact, policy) is None:
        return stated
    return named if stated is None else min(stated, named)


@dataclass(slots=True)
class _Draft:
    """An outcome while it grows."""

    members_new: list[MemberRow] = field(default_factory=list)
    members: list[MemberRow] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    customers_new: list[CustomerRow] = field(default_factory=list)
    customers: list[CustomerRow] = field(default_factory=list)
    customers_gone: list[ContactKey] = field(default_factory=list)
    refusals: list[ConflictRow] = field(default_factory=list)
    changes: list[CustomerChange] = field(default_factory=list)

    @property
    def outcome(self) -> IdentityDelta:
        return IdentityDelta(**{one.name: getattr(self, one.name) for one in fields(self)})


def _write_customer(outcome: _Draft, one: Settled) -> None:
    customer, homes = one.customer, one.group.homes
    known = homes.get(customer.customer_id)
    if known is None:
        outcome.customers_new.append(customer)
    elif known != customer:
        outcome.customers.append(customer)
    for gone in homes.keys() - {customer.customer_id}:
        outcome.customers_gone.append((customer.tenant, gone))
        outcome.moves.append(Move(customer.tenant, gone, customer.customer_id))


def _write_members(outcome: _Draft, one: Settled, files: Files) -> None:
    for who in one.group.newcomers:
        file = files[who]
        row = MemberRow(
            *who,
            file.contact,
            one.customer.customer_id,
            one.customer.customer_id,  # a peaceful component goes by the id of its one customer
            len(one.generic.get(who, ())),
            file.after.named_at,
            *file.after.texts,
        )
        outcome.members_new.append(row)
    for who in one.group.known:
        file = files[who]
        if file.row is not None and file.after != file.before:
            holdings, decisions = file.after.texts
            refused = len(one.generic.get(who, ())) if file.standing is not None else file.row.refused
            row = file.row._replace(refused=refused, named_at=file.after.named_at, holdings=holdings)
            outcome.members.append(row._replace(decisions=decisions))
    for who, links in one.generic.items():
        outcome.refusals += [refusal_row(*who, Refused(link, "generic"), link.since) for link in links]


def _tell(  # noqa: PLR0913, PLR0917 - what was, what is, and why
    outcome: _Draft, one: Settled, crews: Mapping[ContactKey, list[str]], files: Files, reached: Affected, rules: Rules
) -> None:
    causes = latest_causes(reached.causes, one.group.contacts)
    force = rules.policy_of(one.group.tenant)
    for change in _changes(one, crews, files):
        outcome.changes.append(told_of(force.tenant, change, causes, force.version))


def _changes(one: Settled, crews: Mapping[ContactKey, list[str]], files: Files) -> list[Change]:
    tenant, customer_id, homes = one.group.tenant, one.customer.customer_id, one.group.homes
    newcomers = [files[who].contact for who in one.group.newcomers]
    if homes.keys() <= {customer_id}:  # nearly always, and then there is no need to look at each contact
        return [grown(customer_id, crews[tenant, customer_id] if homes else (), newcomers)]
    before = {contact: home for home in homes for contact in crews[tenant, home]}
    after = dict.fromkeys((*before, *newcomers), customer_id)
    founders = {home: row.founder for home, row in homes.items()} | {customer_id: one.customer.founder}
    return changes(before, after, founders)
