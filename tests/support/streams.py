"""What identity must come to, by the rules and by the tables, and the membership that a consumer of changes has."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

import orjson

from projections.engine.metadata import Row, Rows, Table
from projections.identity.evidence_logs import logs_of
from projections.identity.keys import ResolutionKey
from projections.identity.outbox import OutboxRow
from projections.identity.reference import contacts_with_evidence, determined
from projections.identity.resolution.links import MEMBER_ID, RefusedLink
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import evidence_in, resolve
from projections.identity.resolution.statements import EvidenceLog
from projections.identity.rows import refused_of
from projections.identity.rules import DEFAULT_VERSION, PolicyInForce
from projections.identity.tables import (
    CONFLICTS,
    CUSTOMERS,
    HOLDINGS,
    MEMBERS,
    ConflictRow,
    CustomerRow,
    HoldingRow,
    MemberRow,
)
from schemas.changes import apply_change, decode_change
from schemas.events import Event


def id_of(tenant: str, contact: str) -> UUID:
    """An id for tests: quick, and of the right kind."""
    return UUID(bytes=hashlib.blake2b(f"{tenant}|{contact}".encode(), digest_size=16).digest())


def policies_for(tenants: Iterable[str], policy: Policy) -> dict[ResolutionKey, PolicyInForce]:
    """One active resolution of each tenant, all by this policy."""
    in_force = PolicyInForce(DEFAULT_VERSION, policy)
    return {ResolutionKey(tenant, DEFAULT_VERSION): in_force for tenant in tenants}


class Result(NamedTuple):
    """Customers as (id, contacts, member id, every spelling of it), and refused links."""

    customers: set[tuple[UUID, tuple[str, ...], str | None, tuple[str, ...]]]
    refused: set[RefusedLink]


def by_log(events: Iterable[Event], policy: Policy, tenant: str = "demo") -> Result:
    """What the rules give for all events of a tenant at once, of contacts that state something or are referenced."""
    log = logs_of((event for event in events if event.tenant == tenant), id_of).get(tenant, EvidenceLog())
    resolution = resolve(evidence_in(log), policy)
    known = contacts_with_evidence(log)
    customers = {
        (id_of(tenant, one.founder), one.contacts, one.member_id, one.member_ids)
        for one in resolution.customers
        if known.intersection(one.contacts)
    }
    unlisted = known - resolution.evidence.contacts  # everything that named them was erased
    customers |= {(id_of(tenant, contact), (contact,), None, ()) for contact in unlisted}
    return Result(customers, set(resolution.refused))


def by_tables(tables: Mapping[Table, Rows]) -> Result:
    """What the rows of one tenant say, those aside that the set of events does not decide."""
    tables = determined(tables)
    members = [MemberRow(*row) for row in tables[MEMBERS].values()]
    member_ids = _member_ids(tables, {(row.contact_id, row.session): row.customer_id for row in members})
    customers = {row.customer_id: row for row in (CustomerRow(*one) for one in tables[CUSTOMERS].values())}
    contacts: dict[UUID, list[str]] = {}
    for row in members:
        if row.current and row.customer_id is not None:
            contacts.setdefault(row.customer_id, []).append(row.contact)
    return Result(
        {
            (one, tuple(sorted(of_it)), customers[one].member_id, tuple(sorted(member_ids.get(one, ()))))
            for one, of_it in contacts.items()
        },
        {refused_of(ConflictRow(*row)) for row in tables[CONFLICTS].values()},
    )


def _member_ids(
    tables: Mapping[Table, Rows], customers: Mapping[tuple[UUID, str], UUID | None]
) -> dict[UUID, set[str]]:
    """How the accepted links of each customer write its member id."""
    found: dict[UUID, set[str]] = {}
    for key, row in tables[HOLDINGS].items():
        one = HoldingRow(*row)
        customer = customers.get((one.contact_id, one.session))
        if one.type == MEMBER_ID and one.tier is not None and key not in tables[CONFLICTS] and customer is not None:
            found.setdefault(customer, set()).update(orjson.loads(one.spellings) if one.spellings else [one.value])
    return found


def membership(tables: Mapping[Table, Rows]) -> dict[UUID, list[str]]:
    """The contacts of each customer by the rows, those whose evidence was superseded included."""
    found: dict[UUID, list[str]] = {}
    for row in sorted((MemberRow(*one) for one in tables[MEMBERS].values()), key=lambda one: one.contact):
        if row.current and row.customer_id is not None:
            found.setdefault(row.customer_id, []).append(row.contact)
    return found


def content(tables: Mapping[Table, Rows]) -> dict[str, set[Row]]:
    """The rows that the set of events alone decides, by table."""
    return {table.name: set(rows.values()) for table, rows in determined(tables).items()}


def consumed(changes: Iterable[OutboxRow]) -> dict[UUID, list[str]]:
    """The membership that a consumer has that applies each customer's changes. Checks their numbers on the way."""
    following: dict[UUID, tuple[int, int]] = {}
    customers: dict[UUID, set[str]] = {}
    for row in changes:
        change = decode_change(row.payload.encode())
        place = (change.seq, change.part)
        assert (change.customer_id, *place) == (row.customer_id, row.seq, row.part)
        assert place == following.get(change.customer_id, (1, 1)), "changes have a gap"
        contacts = customers.setdefault(change.customer_id, set())
        assert change.before in (None, sorted(contacts)), "a change begins where the last one ended"
        before = set(contacts)
        apply_change(change, contacts)
        assert contacts != before
        assert change.after in (None, sorted(contacts)), "a change ends with the contacts that it lists"
        last = change.part == change.parts
        following[change.customer_id] = (change.seq + 1, 1) if last else (change.seq, change.part + 1)
    assert all(part == 1 for _, part in following.values()), "a part is missing"
    return {customer: sorted(contacts) for customer, contacts in customers.items() if contacts}
