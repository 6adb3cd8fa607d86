"""Compares the membership that the evidence gives with a full resolution of the log itself.

The evidence topic leaves out most events that only repeat an intrinsic identifier; the result must be the same.
"""

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from projections.engine.metadata import Rows
from projections.engine.projection import ContactEvent
from projections.identity.resolution.gather import Gatherer
from projections.identity.resolution.resolution import resolve
from projections.identity.rules import Rules
from projections.identity.tables import MemberRow
from schemas.restatements import restated_in
from services.verify.check_evidence import last_restatements
from services.verify.comparing import TableComparison

_NAME: Final = "resolution"

_Contact = tuple[str, str]  # tenant, contact key


def compare_resolution(log: Iterable[ContactEvent], members: Rows, rules: Rules) -> TableComparison:
    """Compares the ``members`` that the evidence gives with a full resolution of the ``log``."""
    expected = dict(_customers(log, rules))
    found = {(row.tenant, row.contact): row.customer_id for row in (MemberRow(*one) for one in members.values())}
    wrong = [
        f"tenant {tenant}, contact {rules.id_of(tenant, contact)}: belongs to another customer by the log"
        for tenant, contact in expected.keys() | found.keys()
        if expected.get((tenant, contact)) != found.get((tenant, contact))
    ]
    return TableComparison(_NAME, len(expected), len(found), min(wrong, default=None))


def is_ahead(log: Iterable[ContactEvent], evidence: Iterable[ContactEvent]) -> bool:
    """Whether the ``evidence`` has events that are not in the ``log``: a chunk sent it and is not committed yet."""
    evidence = list(evidence)
    known = {(one.event.tenant, one.contact_id, one.event.stamp) for one in log}
    events = {(one.event.tenant, one.contact_id, one.event.stamp) for one in evidence if restated_in(one.event) is None}
    restated = {(*key[:2], stamp) for key, stamp in last_restatements(evidence).items()}
    return not known.issuperset(events | restated)


def _customers(log: Iterable[ContactEvent], rules: Rules) -> Iterator[tuple[_Contact, UUID]]:
    """The customer of every contact that has evidence."""
    for tenant, gatherer in _gathered(log).items():
        evidence = gatherer.evidence()
        described = evidence.described.keys()
        for customer in resolve(evidence, rules.policy_of(tenant).policy).customers:
            for contact in described & set(customer.contacts):
                yield (tenant, contact), rules.id_of(tenant, customer.founder)


def _gathered(log: Iterable[ContactEvent]) -> dict[str, Gatherer]:
    found: dict[str, Gatherer] = {}
    for one in log:
        if one.event.contact is not None:
            found.setdefault(one.event.tenant, Gatherer()).add(one.event)
    return found
