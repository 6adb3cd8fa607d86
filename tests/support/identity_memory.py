"""Identity remembered in memory: answers the same requests as the store in PostgreSQL, for one tenant and policy."""

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Self, cast
from uuid import UUID

from projections.engine.metadata import Row, Rows, Table, key_of
from projections.erasures.folds import digest_of
from projections.identity.change_events import change_events
from projections.identity.customer_summary import CustomerSummary, Latest
from projections.identity.decided import Decided, DecidedNode
from projections.identity.delta import IdentityDelta, delta_of
from projections.identity.folds import decide
from projections.identity.keys import ResolutionKey
from projections.identity.loads import (
    ComponentNode,
    Components,
    ContactBrief,
    CurrentNode,
    CurrentNodes,
    History,
    HolderGroup,
    HoldersOf,
    Load,
    LoadComponents,
    LoadContacts,
    LoadContactsOf,
    LoadCurrent,
    LoadHistory,
    LoadHolders,
    LoadHoldings,
    LoadLinks,
    LoadMerges,
    LoadPairs,
    LoadReferences,
    LoadReferrers,
    MergeState,
)
from projections.identity.new_evidence import NewEvidence, find_new_evidence
from projections.identity.outbox import OutboxRow, outbox_rows
from projections.identity.resolution.links import CONTACT, MEMBER_ID, Link, Node, NormalisedIdentifier, RefusedLink
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.statements import EventRecord, EvidenceLog, log_of, merge_in
from projections.identity.rules import DEFAULT_VERSION
from projections.identity.state import (
    NO_FEATURES,
    NO_TIER,
    PLAIN,
    ContactIdentity,
    DecisionKey,
    Features,
    IdentifierStatus,
    PairState,
)
from projections.identity.store.erasing import erased_rows, erased_statements
from projections.identity.store.evidence import merge_row, statement_rows
from projections.identity.tables import (
    CANONICAL_IDS,
    CONFLICTS,
    CONTACT_STATES,
    CUSTOMERS,
    ERASED_CONTACTS,
    ERASED_STATEMENTS,
    HOLDINGS,
    MEMBER_MERGES,
    MEMBERS,
    PAIR_DECISIONS,
    READ_MODELS,
    REFERENCES,
    SET_ASIDE,
    STATEMENTS,
    STATUSES,
    MemberRow,
    ReferenceRow,
)
from schemas.events import Event
from schemas.events.base import Stamp
from tests.support.streams import id_of

_MOST = 1001
_PLACE = ResolutionKey("demo", DEFAULT_VERSION)
_ROWS: Mapping[str, Table] = {
    "canonical_ids": CANONICAL_IDS,
    "contact_states": CONTACT_STATES,
    "holdings": HOLDINGS,
    "statuses": STATUSES,
    "references": REFERENCES,
    "pairs": PAIR_DECISIONS,
    "members": MEMBERS,
    "customers": CUSTOMERS,
    "conflicts": CONFLICTS,
    "set_aside": SET_ASIDE,
}


@dataclass
class Memory:
    """One tenant's identity. ``tables`` are the rows that its store would have, ``outbox`` the changes in their order.

    ``asked`` are the requests that were answered. ``in_full`` resolves every affected component in full.
    """

    policy: Policy
    place: ResolutionKey = _PLACE
    in_full: bool = False
    tables: dict[Table, Rows] = field(default_factory=lambda: {table: {} for table in READ_MODELS})
    outbox: list[OutboxRow] = field(default_factory=list)
    records: dict[tuple[str, str], EventRecord] = field(default_factory=dict)
    merge_records: dict[str, EventRecord] = field(default_factory=dict)
    merges: dict[str, MergeState] = field(default_factory=dict)
    contacts: dict[str, ContactIdentity] = field(default_factory=dict)
    references: dict[tuple[str, str], int] = field(default_factory=dict)
    erasures: dict[str, Stamp] = field(default_factory=dict)
    gone: set[tuple[str, str]] = field(default_factory=set)
    listed: dict[str, set[UUID]] = field(default_factory=dict)
    pairs: dict[DecisionKey, PairState] = field(default_factory=dict)
    nodes: dict[Node, DecidedNode] = field(default_factory=dict)
    links: dict[Node, tuple[Link, ...]] = field(default_factory=dict)
    latest: dict[Node, dict[NormalisedIdentifier, Latest]] = field(default_factory=dict)
    statuses: dict[NormalisedIdentifier, IdentifierStatus] = field(default_factory=dict)
    refused: dict[Node, tuple[RefusedLink, ...]] = field(default_factory=dict)
    customers: dict[str, CustomerSummary] = field(default_factory=dict)
    asked: list[Load] = field(default_factory=list)

    def fold_all(self, chunks: Iterable[Iterable[Event]]) -> Self:
        """Fold chunks, one after the other."""
        for chunk in chunks:
            self.fold(chunk)
        return self

    def fold(self, events: Iterable[Event]) -> Decided:
        """Fold one chunk."""
        log = log_of(events)
        for contact, listed in log.listed.items():
            self.listed.setdefault(contact, set()).update(listed)
        erased, overruled = self._erase(log)
        evidence = find_new_evidence(log.events, self.records).erasing(erased, overruled, log.listing)
        if log.merges:
            evidence = self._with_merges(evidence, log.merges)
        deciding = decide(evidence, self.policy, in_full=self.in_full)
        answer: Any = None
        try:
            while True:
                request = deciding.send(answer)
                self.asked.append(request)
                answer = self.answer(request)
        except StopIteration as done:
            decided: Decided = done.value
        self.save(evidence, decided)
        return decided

    def _erase(self, log: EvidenceLog) -> tuple[dict[str, Stamp], dict[str, dict[str, EventRecord]]]:
        """Take erased events out of the chunk and of the records: whose they are, and which of them counted."""
        changed = {one: stamp for one, stamp in log.erasures.items() if stamp > self.erasures.get(one, (-1, ""))}
        self.erasures |= changed
        self.gone |= {(contact, one) for contact, ids in log.erase(self.erasures).items() for one in ids}
        never = (-1, "")
        self.gone |= {key for key, one in self.records.items() if (one.at, key[1]) <= self.erasures.get(key[0], never)}
        known = {(contact, event_id) for contact, of in log.events.items() for event_id in of} | self.records.keys()
        self.gone |= {
            (contact, event_id)
            for contact, event_id in known
            if digest_of(id_of(self.place.tenant, contact), event_id) in self.listed.get(contact, ())
        }
        for contact, event_id in self.gone:
            log.leave_out(contact, [event_id])
        overruled: dict[str, dict[str, EventRecord]] = {}
        for contact, event_id in self.gone & self.records.keys():
            overruled.setdefault(contact, {})[event_id] = self.records.pop((contact, event_id))
        return changed | {contact: self.erasures[contact] for contact in overruled}, overruled

    def _with_merges(self, evidence: NewEvidence, records: Mapping[str, EventRecord]) -> NewEvidence:
        remerged: set[str] = set()
        for event_id, record in records.items():
            known = self.merge_records.get(event_id, record)
            remerged |= {merge_in(event_id, one).member_id.strip() for one in (record, known)}
            self.merge_records[event_id] = min(record, known)
        merges = (merge_in(*one) for one in self.merge_records.items())
        return NewEvidence(
            evidence.new,
            evidence.overruled,
            tuple(one for one in merges if one.member_id.strip() in remerged),
            frozenset(remerged),
            evidence.erased,
            evidence.listing,
        )

    def answer(self, request: Load) -> Any:  # noqa: C901, PLR0911 - one a request
        match request:
            case LoadMerges(ids):
                ends = {self.merges[one].canonical for one in ids if one in self.merges} | ids
                return {one: row for one, row in self.merges.items() if row.canonical in ends or one in ids}
            case LoadContacts(contacts, stating):
                more = {
                    contact
                    for contact, state in self.contacts.items()
                    if any(key[1] == MEMBER_ID and key[2] in stating for key in state.holdings)
                }
                return {contact: self._contact(contact) for contact in contacts | more}
            case LoadHoldings(whole, some):
                partial = {one: self._contact(one, {key[1:] for key in some if key[0] == one}) for one, *_ in some}
                return partial | {contact: self._contact(contact, None) for contact in whole}
            case LoadPairs(contacts):
                return {pair: one for pair, one in self.pairs.items() if pair[0] in contacts}
            case LoadReferrers(contacts):
                return {one: frozenset(by for named, by in self.references if named == one) for one in contacts}
            case LoadHistory(contacts):
                return {contact: self._history(contact) for contact in contacts}
            case LoadReferences(contacts, most):
                return {
                    one: sorted(
                        ((by, at) for (named, by), at in self.references.items() if named == one),
                        key=lambda it: it[1],
                    )[:most]
                    for one in contacts
                }
            case LoadHolders(identifiers):
                return {one: self._holders(one) for one in identifiers}
            case LoadLinks(nodes):
                return {node: self.links.get(node, ()) for node in nodes}
            case LoadCurrent(nodes, _):
                return self._current(nodes)
            case LoadContactsOf(founders):
                return {one: contacts for one, contacts in self.membership().items() if one in founders}
            case LoadComponents(nodes):
                return self._components(nodes)

    def _contact(self, contact: str, of: AbstractSet[tuple[str, str]] | None = frozenset()) -> ContactIdentity:
        """What is stored of a contact: where some claims are left out, what is live and ``of`` some identifiers."""
        state = self.contacts.get(contact, ContactIdentity(contact))._replace(erased=self.erasures.get(contact))
        if state.left_out and of is not None:
            live = {*state.links, *state.unlinked}
            kept = {key for key in state.holdings if key in live or key[1] == MEMBER_ID or key[1:3] in of}
            state = state._replace(holdings={key: state.holdings[key] for key in kept}, partial=True)
        return state._replace(
            features={node[1]: one.features for node, one in self.nodes.items() if node[0] == contact}
        )

    def _history(self, contact: str) -> History:
        records = {event_id: one for (of, event_id), one in self.records.items() if of == contact}
        return History(records, {named: at for (named, by), at in self.references.items() if by == contact})

    def records_of(self, contact: str) -> set[str]:
        return {event_id for of, event_id in self.records if of == contact}

    def _holders(self, identifier: NormalisedIdentifier) -> HoldersOf:
        found = sorted(
            (link.tier, node) for node, links in self.links.items() for link in links if link.identifier == identifier
        )[:_MOST]
        groups = [HolderGroup(tier, self._features(node), [node]) for tier, node in found]
        itself = self._features(cast("Node", identifier[1])) if identifier[0] == CONTACT else NO_FEATURES
        return HoldersOf(self.statuses.get(identifier, PLAIN), groups, itself)

    def _features(self, node: Node) -> Features:
        return self.nodes[node].features if node in self.nodes else NO_FEATURES

    def _current(self, nodes: frozenset[Node]) -> CurrentNodes:
        found = {node: self.nodes[node] for node in nodes if node in self.nodes}
        return CurrentNodes(
            {
                node: CurrentNode(
                    UUID(int=hash(one.component) % 2**128), one.customer, one.features, one.by_claim, one.current
                )
                for node, one in found.items()
            },
            {one.customer: self.customers[one.customer] for one in found.values() if one.customer},
            {node: self.refused[node] for node in nodes if node in self.refused},
        )

    def _components(self, nodes: frozenset[Node]) -> Components:
        components = {self.nodes[node].component for node in nodes if node in self.nodes}
        found = {node: one for node, one in self.nodes.items() if one.component in components}
        contacts = {node[0] for node in (*found, *nodes)}
        founders = {one.customer for one in found.values() if one.customer}
        return Components(
            {
                node: ComponentNode(
                    *one, self.links.get(node, ()), self.refused.get(node, ()), self.latest.get(node, {})
                )
                for node, one in found.items()
            },
            {one: ContactBrief(self._contact(one).sessions.last, self._contact(one).founded_at) for one in contacts},
            {
                one: self.statuses[one]
                for node in found
                for link in self.links.get(node, ())
                if (one := link.identifier) in self.statuses
            },
            {pair: one for pair, one in self.pairs.items() if contacts.intersection(pair)},
            {one: self.customers[one] for one in founders},
        )

    def save(self, evidence: NewEvidence, decided: Decided) -> None:
        updates, affected = decided.updates, decided.affected
        for contact, records in evidence.new.items():
            for event_id, record in records.items():
                self.records[contact, event_id] = record
        _write(self.merges, updates.merges)
        for contact, one in updates.contacts.items():
            live = affected.live.get(contact, {**one.after.links, **one.after.unlinked})
            holdings = one.after.holdings
            if one.after.partial:
                holdings = {**self.contacts[contact].holdings, **holdings}
            self.contacts[contact] = one.after._replace(
                features={},
                holdings=holdings,
                links={key: held for key, held in live.items() if held.tier != NO_TIER},
                unlinked={key: held for key, held in live.items() if held.tier == NO_TIER},
                partial=False,
            )
        for key, at in updates.references.items():
            self.references[key] = min(at, self.references.get(key, at))
        self.references.update(updates.references_anew)
        for key in updates.references_gone:
            self.references.pop(key)
        _write(self.pairs, updates.pairs)
        for node in affected.before.keys() | affected.after.keys():
            self.links[node] = affected.after[node].links if node in affected.after else ()
            self.latest[node] = affected.latest.get(node, {})
        moves = {move.founder: move for move in decided.moves}
        for node, known in self.nodes.items():
            if (move := moves.get(known.customer or "")) is not None:
                self.nodes[node] = known._replace(component=move.to_component, customer=move.to_founder)
        _write(self.nodes, decided.nodes)
        _write(self.statuses, {one: status if status != PLAIN else None for one, status in decided.statuses.items()})
        self.refused.update(decided.refused)
        _write(self.customers, decided.customers)
        self._write_rows(evidence, decided)

    def _write_rows(self, evidence: NewEvidence, decided: Decided) -> None:
        """The same as rows."""
        tenant = self.place.tenant
        delta = delta_of(self.place, decided, id_of)
        for contact in evidence.overruled:
            for event_id in evidence.overruled[contact].keys() - self.records_of(contact):
                self.tables[STATEMENTS].pop((tenant, id_of(tenant, contact), event_id), None)
        self._write_table(STATEMENTS, statement_rows({tenant: evidence}, id_of))
        self._write_table(ERASED_CONTACTS, erased_rows({tenant: evidence}, id_of))
        gone: dict[str, set[str]] = {}
        for contact, event_id in self.gone:
            gone.setdefault(contact, set()).add(event_id)
        self._write_table(ERASED_STATEMENTS, erased_statements({tenant: gone}, {tenant: self.listed}, id_of))
        self._write_table(MEMBER_MERGES, [merge_row(tenant, *one) for one in self.merge_records.items()])
        self._move(delta)
        for name, table in _ROWS.items():
            for key in getattr(delta, f"{name}_gone", ()):
                self.tables[table].pop(key, None)
            if name != "references":
                self._write_table(table, getattr(delta, name))
        self._refer(delta.references)
        self._write_table(REFERENCES, delta.references_anew)
        self._announce(evidence, decided)

    def _write_table(self, table: Table, rows: Iterable[Row]) -> None:
        written = list(rows)
        keyed = {key_of(table, row): row for row in written}
        assert len(keyed) == len(written), f"a key of {table.name} comes twice"
        self.tables[table].update(keyed)

    def _refer(self, references: Iterable[ReferenceRow]) -> None:
        for row in references:
            known = self.tables[REFERENCES].get(key_of(REFERENCES, row))
            before = ReferenceRow(*known).first_at if known else None
            times = [one for one in (row.first_at, before) if one is not None]
            self._write_table(REFERENCES, [row._replace(first_at=min(times))])

    def _move(self, delta: IdentityDelta) -> None:
        moves = {customer: (component, to) for _, _, customer, component, to in delta.moves}
        for key, row in self.tables[MEMBERS].items():
            found = MemberRow(*row)
            if found.customer_id in moves:
                component, to = moves[found.customer_id]
                self.tables[MEMBERS][key] = found._replace(component_id=component, customer_id=to)

    def _announce(self, evidence: NewEvidence, decided: Decided) -> None:
        counts = Counter(row.customer_id for row in self.outbox if row.part == 1)
        for change in change_events(self.place.tenant, decided, evidence, DEFAULT_VERSION, id_of):
            counts[change.customer_id] += 1
            self.outbox += outbox_rows(change, counts[change.customer_id])

    def membership(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for node, one in self.nodes.items():
            if one.current:
                found.setdefault(one.customer or "", []).append(node[0])
        return {founder: tuple(sorted(contacts)) for founder, contacts in found.items()}


def _write(rows: dict[Any, Any], changes: Mapping[Any, Any]) -> None:
    for key, row in changes.items():
        if row is None:
            rows.pop(key, None)
        else:
            rows[key] = row
