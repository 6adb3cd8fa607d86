"""Identity in PostgreSQL: answers what deciding asks for, and saves what it decided, by the chunk.

Each request is answered for every tenant of a chunk in one statement or two, whatever their number; no statement reads
more than 1,001 holders of an identifier. Call everything inside one transaction.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.engine.metadata import Key, row_type
from projections.engine.store import columns
from projections.identity import rows
from projections.identity.customer_summary import CustomerSummary, Latest
from projections.identity.keys import ResolutionKey
from projections.identity.loads import (
    Components,
    ContactBrief,
    CurrentNodes,
    History,
    HolderGroup,
    HoldersOf,
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
from projections.identity.resolution.holders import MOST_HOLDERS
from projections.identity.resolution.links import Link, Node, NormalisedIdentifier, RefusedLink
from projections.identity.resolution.statements import EventRecord
from projections.identity.state import (
    NO_FEATURES,
    PLAIN,
    ContactIdentity,
    DecisionKey,
    Features,
    IdentifierStatus,
    PairState,
)
from projections.identity.store import assembling, selects
from projections.identity.store.assembling import ResolutionColumns
from projections.identity.store.erasing import ContactErasures
from projections.identity.tables import (
    CANONICAL_IDS,
    CONFLICTS,
    CONTACT_STATES,
    CUSTOMERS,
    HOLDINGS,
    MEMBERS,
    PAIR_DECISIONS,
    REFERENCES,
    STATEMENTS,
    STATUSES,
    ContactStateRow,
    HoldingRow,
    MemberRow,
)

_SHOWN: Final = ("phone", "email")
_WITHOUT_SORT: Final = "SET LOCAL enable_sort = off"
_WITH_SORT: Final = "SET LOCAL enable_sort = on"

Asked = Sequence[tuple[ResolutionKey, Any]]  # requests of one kind, each with the place that asks


class IdentityStore:
    """Reads and writes identity on one connection, in whose search path the generation comes first."""

    def __init__(self, connection: Connection, id_of: IdOf) -> None:
        self._connection = connection
        self._id_of = id_of
        self._members: dict[Key, MemberRow] = {}  # those that were read, by key
        self._whole: set[Key] = set()  # the contacts of which all members were read
        self._states: dict[Key, ContactStateRow] = {}
        self._erasures = ContactErasures(connection)
        self._features: dict[Key, dict[str, Features]] = {}  # by contact and session

    async def answer(self, asked: Asked) -> list[Any]:
        """The answers to requests of one kind, in their order."""
        kind = type(asked[0][1])
        found: list[Any] = await _ANSWERS[kind](self, asked)
        return found

    async def _fetch(self, statement: str, keys: Iterable[tuple[Any, ...]], *more: Any) -> list[Any]:
        distinct = list(dict.fromkeys(keys))
        if not distinct:
            return []
        return list(await self._connection.fetch(statement, *columns(distinct), *more))

    async def _fetch_in_order(self, statement: str, keys: Iterable[tuple[Any, ...]]) -> list[Any]:
        """What a statement selects that must be read in the order of its index.

        Without statistics the planner takes the key of a young table for selective by the tenant alone: it would read
        all of the tenant's rows for each identifier, and sort those few that match.
        """
        given = list(keys)
        if not given:
            return []
        await self._connection.execute(_WITHOUT_SORT)
        found = await self._fetch(statement, given)
        await self._connection.execute(_WITH_SORT)
        return found

    async def _member_rows(self, keys: Sequence[Key]) -> list[MemberRow]:
        """The members of these keys, each given once, which are read once in a chunk."""
        missing = [key for key in keys if key not in self._members and key[:3] not in self._whole]
        self._members.update((row[:4], row) for row in await self._rows(selects.NODES, MEMBERS, missing))
        return [row for row in map(self._members.get, keys) if row is not None]

    async def _rows(self, statement: str, table: sa.Table, keys: Iterable[tuple[Any, ...]]) -> list[Any]:
        make, new = row_type(table), tuple.__new__
        return [new(make, record) for record in await self._fetch(statement, keys)]

    def _contact_keys(self, asked: Iterable[tuple[ResolutionKey, Iterable[str]]]) -> list[tuple[str, str, UUID]]:
        return [(*place, self._id_of(place[0], contact)) for place, contacts in asked for contact in contacts]

    def _node_keys(self, asked: Iterable[tuple[ResolutionKey, Iterable[Node]]]) -> list[tuple[str, str, UUID, str]]:
        return [(*place, self._id_of(place[0], node[0]), node[1]) for place, nodes in asked for node in nodes]

    # --- the requests

    async def _merges(self, asked: Asked) -> list[dict[str, MergeState]]:
        keys = [(*place, one) for place, request in asked for one in request.member_ids]
        found: dict[ResolutionColumns, dict[str, MergeState]] = {}
        for row in await self._rows(selects.CANONICAL, CANONICAL_IDS, keys):
            found.setdefault(row[:2], {})[row.member_id] = MergeState(row.member_id, row.into_id, row.canonical)
        return [found.get(place, {}) for place, _ in asked]

    async def _contacts(self, asked: Asked) -> list[dict[str, ContactIdentity]]:
        keys = self._contact_keys((place, request.contacts) for place, request in asked)
        stating = [(*place, one) for place, request in asked for one in request.stating]
        keys += [row[:3] for row in await self._rows(selects.STATING, HOLDINGS, stating)]
        self._whole.update(keys)
        self._states.update((row[:3], row) for row in await self._rows(selects.CONTACT_STATES, CONTACT_STATES, keys))
        known = [key for key in dict.fromkeys(keys) if key in self._states]
        await self._erasures.load({(tenant, contact_id) for tenant, _, contact_id in keys})
        for row in await self._rows(selects.MEMBERS, MEMBERS, known):
            self._members[row[:4]] = row
            self._features.setdefault(row[:3], {})[row.session] = rows.features_of_text(row.features)
        left_out = {key for key in known if self._states[key].left_out}
        found = await self._rows(selects.HOLDINGS, HOLDINGS, [key for key in known if key not in left_out])
        found += await self._rows(selects.LIVE_HOLDINGS, HOLDINGS, left_out)
        states = self._contact_states(known, found, left_out)
        return [
            {one: self._unknown(place[0], one) for one in request.contacts} | states.get(place, {})
            for place, request in asked
        ]

    def _unknown(self, tenant: str, contact: str) -> ContactIdentity:
        return ContactIdentity(contact, erased=self._erasures.of((tenant, self._id_of(tenant, contact))))

    async def _left_out(self, asked: Asked) -> list[dict[str, ContactIdentity]]:
        whole = self._contact_keys((place, request.whole) for place, request in asked)
        some = [
            (*place, self._id_of(place[0], contact), type_name, value)
            for place, request in asked
            for contact, type_name, value in request.of
        ]
        partial = {key[:3] for key in some}
        found = await self._rows(selects.HOLDINGS, HOLDINGS, whole)
        found += await self._rows(selects.LIVE_HOLDINGS, HOLDINGS, partial)
        found += await self._rows(selects.HOLDINGS_OF, HOLDINGS, some)
        states = self._contact_states([*whole, *partial], found, partial)
        return [states.get(place, {}) for place, _ in asked]

    def _contact_states(
        self, keys: Iterable[Key], found: Iterable[HoldingRow], partial: Container[Key]
    ) -> dict[ResolutionColumns, dict[str, ContactIdentity]]:
        holdings: dict[Key, list[HoldingRow]] = {}
        for holding in found:
            holdings.setdefault(holding[:3], []).append(holding)
        states: dict[ResolutionColumns, dict[str, ContactIdentity]] = {}
        for key in keys:
            row = self._states[key]
            stored = rows.stored_holdings(holdings.get(key, ()))
            states.setdefault(key[:2], {})[row.contact] = rows.contact_state(
                row, stored, self._features.get(key, {}), self._erasures.of((key[0], key[2])), partial=key in partial
            )
        return states

    async def _pairs(self, asked: Asked) -> list[dict[DecisionKey, PairState]]:
        keys = self._contact_keys((place, request.contacts) for place, request in asked)
        found = assembling.pairs_by_place(await self._rows(selects.PAIRS_BY, PAIR_DECISIONS, keys))
        return [found.get(place, {}) for place, _ in asked]

    async def _referrers(self, asked: Asked) -> list[dict[str, set[str]]]:
        keys = self._contact_keys((place, request.contacts) for place, request in asked)
        found: dict[ResolutionColumns, dict[str, set[str]]] = {}
        for row in await self._rows(selects.REFERENCES_TO, REFERENCES, keys):
            found.setdefault(row[:2], {}).setdefault(row.contact, set()).add(row.by_contact)
        return [found.get(place, {}) for place, _ in asked]

    async def _history(self, asked: Asked) -> list[dict[str, History]]:
        keys = self._contact_keys((place, request.contacts) for place, request in asked)
        records: dict[tuple[str, str], dict[str, EventRecord]] = {}
        for row in await self._rows(selects.STATEMENTS_OF, STATEMENTS, [(tenant, one) for tenant, _, one in keys]):
            of_contact = records.setdefault((row.tenant, row.contact), {})
            of_contact[row.event_id] = EventRecord(row.at, row.type, row.content)
        references: dict[ResolutionColumns, dict[str, dict[str, int]]] = {}
        for row in await self._rows(selects.REFERENCES_BY, REFERENCES, keys):
            references.setdefault(row[:2], {}).setdefault(row.by_contact, {})[row.contact] = row.first_at
        return [
            {
                one: History(records.get((place[0], one), {}), references.get(place, {}).get(one, {}))
                for one in request.contacts
            }
            for place, request in asked
        ]

    async def _references(self, asked: Asked) -> list[dict[str, list[tuple[str, int]]]]:
        keys = self._contact_keys((place, request.contacts) for place, request in asked)
        most = max((request.most for _, request in asked), default=1)
        found: dict[ResolutionColumns, dict[str, list[tuple[str, int]]]] = {}
        make = row_type(REFERENCES)
        for record in await self._fetch(selects.EARLIEST, keys, most):
            row = make(*record)
            found.setdefault(row[:2], {}).setdefault(row.contact, []).append((row.by_contact, row.first_at))
        return [found.get(place, {}) for place, _ in asked]

    async def _held(self, asked: Asked) -> list[dict[NormalisedIdentifier, HoldersOf]]:
        keys = [(*place, *rows.identifier_columns(one)) for place, request in asked for one in request.identifiers]
        statuses = await self._statuses(keys)
        wanted = [
            (place, one)
            for place, request in asked
            for one in request.identifiers
            if not _links_nothing(statuses.get(place, {}).get(one, PLAIN), request.changed)
        ]
        groups: list[list[HolderGroup]] = [[] for _ in wanted]
        numbered = ((*place, *rows.identifier_columns(one), number) for number, (place, one) in enumerate(wanted))
        for number, tier, text, contacts, sessions in await self._fetch_in_order(selects.HOLDERS, numbered):
            nodes = list(zip(contacts, sessions, strict=True))
            groups[number].append(HolderGroup(tier, rows.features_of_text(text), nodes))
        held = dict(zip(wanted, groups, strict=True))
        itself = await self._nodes(self._node_keys((place, request.itself) for place, request in asked))
        return [
            {
                one: HoldersOf(
                    statuses.get(place, {}).get(one, PLAIN),
                    held.get((place, one), ()),
                    itself.get(place, {}).get(cast("Node", one[1]), NO_FEATURES),
                )
                for one in request.identifiers
            }
            for place, request in asked
        ]

    async def _links(self, asked: Asked) -> list[dict[Node, tuple[Link, ...]]]:
        found = await self._links_of(self._node_keys((place, request.nodes) for place, request in asked), asked)
        return [{node: tuple(sorted(links)) for node, (links, _) in found.get(place, {}).items()} for place, _ in asked]

    async def _current(self, asked: Asked) -> list[CurrentNodes]:
        keys = self._node_keys((place, request.nodes) for place, request in asked)
        members: dict[ResolutionColumns, dict[Node, MemberRow]] = {}
        for row in await self._member_rows(keys):
            members.setdefault(row[:2], {})[row.contact, row.session] = row
        customers = await self._customers(assembling.customer_keys(members))
        updated = self._node_keys((place, request.updated) for place, request in asked)
        refused = await self._refused([key for key in updated if key in self._members])
        return [
            assembling.current_nodes(members.get(place, {}), customers.get(place, {}), refused.get(place, {}))
            for place, _ in asked
        ]

    async def _contacts_of(self, asked: Asked) -> list[dict[str, tuple[str, ...]]]:
        wanted = {
            (*place, self._id_of(place[0], founder)): founder
            for place, request in asked
            for founder in request.founders
        }
        found: dict[ResolutionColumns, dict[str, tuple[str, ...]]] = {}
        for tenant, resolution, customer_id, contacts in await self._fetch(selects.CONTACTS_OF, wanted):
            founder = wanted[tenant, resolution, customer_id]
            found.setdefault(ResolutionKey(tenant, resolution), {})[founder] = tuple(contacts)
        return [found.get(place, {}) for place, _ in asked]

    async def _components(self, asked: Asked) -> list[Components]:
        keys = self._node_keys((place, request.nodes) for place, request in asked)
        members: dict[ResolutionColumns, dict[Node, MemberRow]] = {}
        node_keys: list[tuple[Any, ...]] = []
        for row in await self._rows(selects.COMPONENTS, MEMBERS, keys):
            members.setdefault(row[:2], {})[row.contact, row.session] = row
            node_keys.append(row[:4])
        held = await self._links_of(node_keys, list(members.items()))
        refused = await self._refused(node_keys)
        contact_keys = [*(key[:3] for key in node_keys), *(key[:3] for key in keys)]
        briefs = await self._briefs(contact_keys)
        identifiers = [
            (*place, *rows.identifier_columns(link.identifier))
            for place, of_place in held.items()
            for links, _ in of_place.values()
            for link in links
        ]
        statuses = await self._statuses(identifiers)
        pairs = await self._pairs_about(contact_keys)
        customers = await self._customers(assembling.customer_keys(members))
        return [
            assembling.components_of(
                members.get(place, {}),
                held.get(place, {}),
                refused.get(place, {}),
                briefs.get(place, {}),
                statuses.get(place, {}),
                pairs.get(place, {}),
                customers.get(place, {}),
            )
            for place, _ in asked
        ]

    # --- what several of them need

    async def _nodes(self, keys: list[tuple[Any, ...]]) -> dict[ResolutionColumns, dict[Node, Features]]:
        found: dict[ResolutionColumns, dict[Node, Features]] = {}
        for row in await self._member_rows(keys):
            found.setdefault(row[:2], {})[row.contact, row.session] = rows.features_of_text(row.features)
        return found

    async def _links_of(
        self, keys: Iterable[tuple[Any, ...]], asked: Iterable[tuple[ResolutionColumns, Any]]
    ) -> dict[ResolutionColumns, dict[Node, tuple[list[Link], dict[NormalisedIdentifier, Latest]]]]:
        contacts = {
            (*place, self._id_of(place[0], node[0])): node[0]
            for place, request in asked
            for node in (request.nodes if isinstance(request, LoadLinks) else request)
        }
        found: dict[ResolutionColumns, dict[Node, tuple[list[Link], dict[NormalisedIdentifier, Latest]]]] = {}
        for row in await self._rows(selects.LINKS, HOLDINGS, keys):
            contact = contacts[row[:3]]
            links, latest = found.setdefault(row[:2], {}).setdefault((contact, row.session), ([], {}))
            link = rows.link_of(row, contact)
            links.append(link)
            if row.type in _SHOWN:
                latest[link.identifier] = rows.latest_of(row)
        return found

    async def _refused(self, keys: Iterable[tuple[Any, ...]]) -> dict[ResolutionColumns, dict[Node, list[RefusedLink]]]:
        found: dict[ResolutionColumns, dict[Node, list[RefusedLink]]] = {}
        for row in await self._rows(selects.CONFLICTS, CONFLICTS, keys):
            found.setdefault(row[:2], {}).setdefault((row.contact, row.session), []).append(rows.refused_of(row))
        return found

    async def _briefs(self, keys: Iterable[tuple[Any, ...]]) -> dict[ResolutionColumns, dict[str, ContactBrief]]:
        found: dict[ResolutionColumns, dict[str, ContactBrief]] = {}
        for row in await self._rows(selects.CONTACT_STATES, CONTACT_STATES, keys):
            brief = ContactBrief(rows.sessions_of_text(row.logins).last, row.founded_at)
            found.setdefault(row[:2], {})[row.contact] = brief
        return found

    async def _statuses(
        self, keys: Iterable[tuple[Any, ...]]
    ) -> dict[ResolutionColumns, dict[NormalisedIdentifier, IdentifierStatus]]:
        found: dict[ResolutionColumns, dict[NormalisedIdentifier, IdentifierStatus]] = {}
        for row in await self._rows(selects.STATUSES, STATUSES, keys):
            identifier = rows.identifier_of(row.type, row.value, row.target)
            found.setdefault(row[:2], {})[identifier] = rows.status_of_text(row.status)
        return found

    async def _pairs_about(
        self, keys: Iterable[tuple[Any, ...]]
    ) -> dict[ResolutionColumns, dict[DecisionKey, PairState]]:
        wanted = list(keys)
        stated = await self._rows(selects.PAIRS_BY, PAIR_DECISIONS, wanted)
        return assembling.pairs_by_place([*stated, *await self._rows(selects.PAIRS_OF, PAIR_DECISIONS, wanted)])

    async def _customers(self, keys: Iterable[tuple[Any, ...]]) -> dict[ResolutionColumns, dict[UUID, CustomerSummary]]:
        found: dict[ResolutionColumns, dict[UUID, CustomerSummary]] = {}
        for row in await self._rows(selects.CUSTOMERS, CUSTOMERS, keys):
            found.setdefault(row[:2], {})[row.customer_id] = rows.customer_of(row)
        return found


# ruff: noqa: SLF001 - the methods of this module's own class
_ANSWERS: Final[Mapping[type, Any]] = {
    LoadMerges: IdentityStore._merges,
    LoadContacts: IdentityStore._contacts,
    LoadHoldings: IdentityStore._left_out,
    LoadPairs: IdentityStore._pairs,
    LoadReferrers: IdentityStore._referrers,
    LoadHistory: IdentityStore._history,
    LoadReferences: IdentityStore._references,
    LoadHolders: IdentityStore._held,
    LoadLinks: IdentityStore._links,
    LoadCurrent: IdentityStore._current,
    LoadContactsOf: IdentityStore._contacts_of,
    LoadComponents: IdentityStore._components,
}


def _links_nothing(status: IdentifierStatus, changed: int) -> bool:
    """Whether too many hold the identifier at every tier, whatever so many changed nodes say."""
    counts = status.counts
    return bool(counts) and min(counts)[1] - changed > MOST_HOLDERS
