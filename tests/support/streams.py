"""What identity must come to, by the rules and by the tables, and the membership that a consumer of changes has."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa

from projections.engine.metadata import Row, key_of
from projections.identity.reference import determined, with_evidence
from projections.identity.resolution.evidence import Evidence
from projections.identity.resolution.gather import EvidenceRecord, from_stream, gather, to_evidence
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import resolve
from projections.identity.rules import PolicyInForce, Rules
from projections.identity.tables import ConflictRow, MemberRow, OutboxRow
from schemas.changes import decode_change
from schemas.events import Event


def id_of(tenant: str, contact: str) -> UUID:
    """An id for tests: quick, and of the right kind."""
    return UUID(bytes=hashlib.blake2b(f"{tenant}|{contact}".encode(), digest_size=16).digest())


def rules_of(policy: Policy) -> Rules:
    """Every tenant goes by this policy."""
    return Rules(lambda _: PolicyInForce("default", policy), id_of)


class Result(NamedTuple):
    """Customers as (id, contacts, member id), refused links as (contact, type, value, tier, reason, detail)."""

    customers: set[tuple[UUID, tuple[str, ...], str | None]]
    refused: set[tuple[str, str, str, int, str, str]]


def by_log(events: Iterable[Event], policy: Policy, tenant: str = "demo") -> Result:
    """What the rules give for a whole log at once, of contacts about which something is stated."""
    return _resolved(gather(event for event in events if event.tenant == tenant), policy, tenant)


def by_stream(events: Iterable[Event], policy: Policy, tenant: str = "demo") -> Result:
    """The same for the events that the agent \"contacts\" sent to the stream."""
    chosen: dict[str, dict[str, EvidenceRecord]] = {}
    for event in events:
        if event.tenant == tenant and event.contact is not None:
            of_contact, one = chosen.setdefault(event.contact.key, {}), from_stream(event)
            of_contact[event.event_id] = min(one, of_contact.get(event.event_id, one))
    return _resolved(to_evidence(chosen), policy, tenant)


def _resolved(evidence: Evidence, policy: Policy, tenant: str) -> Result:
    known = set(evidence.described)
    resolution = resolve(evidence, policy)
    return Result(
        {
            (id_of(tenant, one.founder), one.contacts, one.member_id)
            for one in resolution.customers
            if known.intersection(one.contacts)
        },
        {
            (
                one.link.contact,
                one.link.type,
                one.link.value,
                one.link.tier,
                one.reason,
                orjson.dumps(one.detail).decode(),
            )
            for one in resolution.refused
        },
    )


def by_tables(
    members: Iterable[MemberRow], customers: dict[UUID, str | None], conflicts: Iterable[ConflictRow]
) -> Result:
    """What the rows of one tenant say."""
    contacts: dict[UUID, list[str]] = {}
    for row in with_evidence(members):
        contacts.setdefault(row.customer_id, []).append(row.contact)
    return Result(
        {(customer, tuple(sorted(of_it)), customers[customer]) for customer, of_it in contacts.items()},
        {(one.contact, one.type, one.value, one.tier, one.reason, one.detail) for one in conflicts},
    )


def content(tables: Mapping[sa.Table, Iterable[Any]]) -> dict[str, set[Row]]:
    """The rows of one tenant that the set of events alone decides."""
    keyed = {table: {key_of(table, row): row for row in found} for table, found in tables.items()}
    return {table.name: set(rows.values()) for table, rows in determined(keyed).items()}


def consumed(changes: Iterable[OutboxRow]) -> dict[UUID, list[str]]:
    """The membership that a consumer has that keeps each customer's last change. Checks ``seq`` on the way."""
    numbers: dict[UUID, int] = {}
    customers: dict[UUID, list[str]] = {}
    for row in changes:
        change = decode_change(row.payload.encode())
        assert (change.customer_id, change.seq) == (row.customer_id, row.seq)
        assert change.seq == numbers.get(change.customer_id, 0) + 1, "changes have a gap"
        assert change.before == customers.get(change.customer_id, []), "a change begins where the last one ended"
        assert change.after != change.before
        numbers[change.customer_id] = change.seq
        customers[change.customer_id] = change.after
    return {customer: contacts for customer, contacts in customers.items() if contacts}
