"""What a contact stated that is no evidence, statement by statement, as the new evidence changes it (pure)."""

from collections.abc import Iterable
from typing import NamedTuple

from projections.identity.new_evidence import ContactStatements
from projections.identity.resolution.links import SetAsideReason
from projections.identity.resolution.member_merges import Canonical
from projections.identity.resolution.nodes import (
    MOST_CLAIMS,
    Holdings,
    StatementSetAside,
    normalise_statements,
    too_many_claims,
)
from projections.identity.resolution.policy import Policy


class ValueSetAside(NamedTuple):
    """A value of one event that is no evidence: as it was stated, or normalised where its contact claims too many."""

    contact: str
    event_id: str
    at: int
    type: str
    value: str
    reason: SetAsideReason


def in_statements(contact: str, statements: Iterable[StatementSetAside]) -> set[ValueSetAside]:
    """What is no value, or blocked."""
    return {ValueSetAside(contact, one.event_id, one.at, one.type, one.value, why) for one, why in statements}


def taken_back(contact: str, before: ContactStatements, after: ContactStatements, policy: Policy) -> set[ValueSetAside]:
    """What of statements that no longer count was no value, or blocked."""
    if before.statements == after.statements:
        return set()
    sides = (normalise_statements(one.statements, Canonical(), policy)[1] for one in (before, after))
    no_longer, still = (in_statements(contact, statements) for statements in sides)
    return no_longer - still


def in_claims(contact: str, holdings: Holdings) -> set[ValueSetAside]:
    """What is claimed beyond the latest hundred of its type."""
    if len(holdings) <= MOST_CLAIMS:
        return set()
    return {
        ValueSetAside(contact, event_id, at, *identifier, "too_many_claims")
        for identifier, (at, event_id) in too_many_claims(holdings).items()
    }
