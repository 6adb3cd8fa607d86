"""Identity in memory, from the whole set of events at once: what the tables must come to.

One chunk, resolved in full, with nothing stored before: no fast case and no loading. The tables, which are written
component by component as evidence arrives, are checked against it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from projections.engine.ids import IdOf
from projections.engine.metadata import Row, Rows, Table, key_of
from projections.identity.decided import Decided
from projections.identity.delta import IdentityDelta, delta_of
from projections.identity.evidence_logs import logs_of
from projections.identity.folds import decide
from projections.identity.keys import ResolutionKey
from projections.identity.loads import (
    Components,
    CurrentNodes,
    History,
    Load,
    LoadComponents,
    LoadContacts,
    LoadCurrent,
    LoadHistory,
)
from projections.identity.new_evidence import NewEvidence, Records, find_new_evidence, statements_by
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.statements import EvidenceLog, merge_in
from projections.identity.rules import PolicyInForce
from projections.identity.state import ContactIdentity
from projections.identity.store.erasing import erased_rows, erased_statements
from projections.identity.store.evidence import merge_row, record_in, statement_rows
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
    ContactStateRow,
    StatementRow,
)
from schemas.events import Event

_NEVER: Final = (-1, "")


def resolve_log(
    events: Iterable[Event], policies: Mapping[ResolutionKey, PolicyInForce], id_of: IdOf
) -> dict[Table, Rows]:
    """Every row of every table of identity that the set of events determines, by table and key."""
    logs = logs_of(events, id_of)
    gone = {tenant: log.erase(log.erasures) for tenant, log in logs.items()}
    evidence = {tenant: _evidence(log) for tenant, log in logs.items()}
    delta = IdentityDelta()
    for place, force in policies.items():
        if one := evidence.get(place.tenant):
            delta.extend(delta_of(place, decide_in_full(one, force.policy), id_of))
    merges = [
        merge_row(tenant, event_id, record) for tenant, log in logs.items() for event_id, record in log.merges.items()
    ]
    rows: dict[Table, Iterable[Row]] = {
        STATEMENTS: statement_rows(evidence, id_of),
        MEMBER_MERGES: merges,
        ERASED_CONTACTS: erased_rows(evidence, id_of),
        ERASED_STATEMENTS: erased_statements(gone, {tenant: log.listed for tenant, log in logs.items()}, id_of),
        CANONICAL_IDS: delta.canonical_ids,
        CONTACT_STATES: delta.contact_states,
        HOLDINGS: delta.holdings,
        STATUSES: delta.statuses,
        REFERENCES: [*delta.references, *delta.references_anew],
        PAIR_DECISIONS: delta.pairs,
        MEMBERS: delta.members,
        CUSTOMERS: delta.customers,
        CONFLICTS: delta.conflicts,
        SET_ASIDE: delta.set_aside,
    }
    return {table: {key_of(table, row): row for row in of_table} for table, of_table in rows.items()}


def determined(tables: Mapping[Table, Rows]) -> dict[Table, Rows]:
    """The rows that the set of events alone determines.

    What only saves look-ups may be by evidence that does not count any more. A contact whose evidence was superseded
    keeps its rows, as a customer by itself. Without that history it would have none, so the rows of contacts that state
    nothing, and that nobody references, are left out.
    """
    statements = (StatementRow(*row) for row in tables[STATEMENTS].values())
    with_evidence = {(one.tenant, one.contact_id) for one in statements if _has_evidence(one)}
    with_evidence |= {(tenant, contact_id) for tenant, _, contact_id, *_ in tables[REFERENCES]}
    found = {table: tables[table] for table in READ_MODELS}
    states = {key: ContactStateRow(*row) for key, row in tables[CONTACT_STATES].items()}
    found[CONTACT_STATES] = {key: row._replace(named=False, latest_at=None) for key, row in states.items()}
    for table in (CONTACT_STATES, MEMBERS, CUSTOMERS):  # their third column is a contact's id, or its founder's
        rows = found[table].items()
        found[table] = {key: row for key, row in rows if (key[0], key[2]) in with_evidence}
    return found


def contacts_with_evidence(log: EvidenceLog) -> set[str]:
    """The contacts of a tenant that state something which is not erased, or that are referenced."""
    left: dict[str, Records] = {}
    for contact, events in log.events.items():
        horizon = log.erasures.get(contact, _NEVER)
        left[contact] = {event_id: one for event_id, one in events.items() if (one.at, event_id) > horizon}
    said = {contact: statements_by(records) for contact, records in left.items()}
    stating = {contact for contact, one in said.items() if one.has_evidence}
    return stating.union(*(one.outliving(log.erasures, contact).named for contact, one in said.items()))


def _has_evidence(row: StatementRow) -> bool:
    return statements_by({row.event_id: record_in(row)}).has_evidence


def decide_in_full(evidence: NewEvidence, policy: Policy) -> Decided:
    """What all of a tenant's evidence comes to where nothing is stored."""
    steps = decide(evidence, policy, in_full=True)
    answer: Any = None
    while True:
        try:
            answer = _nothing_stored(steps.send(answer))
        except StopIteration as done:
            decided: Decided = done.value
            return decided


def _evidence(log: EvidenceLog) -> NewEvidence:
    found = find_new_evidence(log.events, {})
    merges = tuple(merge_in(event_id, record) for event_id, record in log.merges.items())
    return NewEvidence(found.new, {}, merges, frozenset(one.member_id for one in merges), log.erasures)


def _nothing_stored(request: Load) -> Any:
    match request:
        case LoadContacts(contacts, _):
            return {one: ContactIdentity(one) for one in contacts}
        case LoadHistory(contacts):
            return {one: History({}, {}) for one in contacts}
        case LoadCurrent():
            return CurrentNodes({}, {}, {})
        case LoadComponents():
            return Components({}, {}, {}, {}, {})
        case _:
            return {}
