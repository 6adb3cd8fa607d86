"""Compares the membership and conflicts that the evidence gives with a full resolution of the log itself.

The evidence topic leaves out most events that only repeat an intrinsic identifier; the result must be the same.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from projections.engine.ids import IdOf
from projections.engine.metadata import Rows, Table
from projections.identity.evidence_logs import logs_of
from projections.identity.keys import ResolutionKey
from projections.identity.reference import contacts_with_evidence
from projections.identity.resolution.links import RefusedLink
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import Resolution, evidence_in, resolve
from projections.identity.resolution.statements import EvidenceLog
from projections.identity.rows import refused_of
from projections.identity.rules import PolicyInForce
from projections.identity.tables import CONFLICTS, MEMBERS, ConflictRow, MemberRow
from schemas.events import Event
from services.verify.comparing import TableComparison

_NAME: Final = "resolution"

_Contact = tuple[str, str]  # tenant, contact key
_Conflict = tuple[str, RefusedLink]  # tenant, link


def compare_resolution(
    log: Iterable[Event], tables: Mapping[Table, Rows], policies: Mapping[ResolutionKey, PolicyInForce], id_of: IdOf
) -> TableComparison:
    """Compares the rows of members and conflicts that the evidence gives with a full resolution of the ``log``."""
    customers: dict[_Contact, UUID] = {}
    conflicts: set[_Conflict] = set()
    logs = logs_of(log, id_of)
    for key, force in policies.items():
        if (of_tenant := logs.get(key.tenant)) is not None:
            resolution = _resolve(of_tenant, force.policy)
            customers |= _customers(key.tenant, of_tenant, resolution, id_of)
            conflicts |= {(key.tenant, one) for one in resolution.refused}
    found = _found_customers(tables[MEMBERS])
    refused = {(row[0], refused_of(ConflictRow(*row))) for row in tables[CONFLICTS].values()}
    wrong = [
        f"tenant {tenant}, contact {id_of(tenant, contact)}: belongs to another customer by the log"
        for tenant, contact in customers.keys() | found.keys()
        if customers.get((tenant, contact)) != found.get((tenant, contact))
    ]
    wrong += [
        f"tenant {tenant}, contact {id_of(tenant, one.link.node[0])}: has another conflict by the log"
        for tenant, one in conflicts ^ refused
    ]
    return TableComparison(_NAME, len(customers) + len(conflicts), len(found) + len(refused), min(wrong, default=None))


def _resolve(log: EvidenceLog, policy: Policy) -> Resolution:
    return resolve(evidence_in(log), policy)


def _customers(tenant: str, log: EvidenceLog, resolution: Resolution, id_of: IdOf) -> dict[_Contact, UUID]:
    """The customer of every contact that has evidence; one that only erased statements named is its own."""
    known = contacts_with_evidence(log)
    found = {(tenant, contact): id_of(tenant, contact) for contact in known}
    for customer in resolution.customers:
        for contact in known.intersection(customer.contacts):
            found[tenant, contact] = id_of(tenant, customer.founder)
    return found


def _found_customers(members: Rows) -> dict[_Contact, UUID]:
    rows = (MemberRow(*row) for row in members.values())
    return {(row.tenant, row.contact): row.customer_id for row in rows if row.current and row.customer_id is not None}
