"""Explanations of a resolution, and conflicts, as readers get them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from uuid import UUID

import orjson

from projections.identity.queries import position_of
from projections.identity.resolution import explain
from projections.identity.resolution.links import STAFF
from projections.identity.resolution.resolution import Resolution
from projections.identity.tables import ConflictRow
from services.query.core import cursors
from services.query.core.identity_models import (
    Conflict,
    ConflictPage,
    CustomerLinks,
    EvidenceEvent,
    Explanation,
    GraphContact,
    Side,
    Tie,
)

PersonalIdOf = Callable[[str], UUID]


def why_view(resolution: Resolution, one: str, other: str, id_of: PersonalIdOf) -> Explanation:
    """Why the two contacts are one customer or are not."""
    explained = explain.why(resolution, one, other)
    return Explanation(
        a=_side(resolution, one, id_of),
        b=_side(resolution, other, id_of),
        together=explained.together,
        because=_because(explained, same=one == other),
        decided_different=explained.decided is not None,
        chain=[_tie(step) for step in explained.chain],
    )


def graph_view(resolution: Resolution, contact: str, id_of: PersonalIdOf) -> CustomerLinks:
    """The customer that holds the contact, with its links."""
    graph = explain.graph(resolution, contact)
    return CustomerLinks(
        id=id_of(graph.customer.founder),
        founder=graph.customer.founder,
        member_id=graph.customer.member_id,
        contacts=[GraphContact(contact=one, id=id_of(one)) for one in graph.customer.contacts],
        accepted=[_tie(step) for step in graph.accepted],
        refused=[_tie(step) for step in graph.refused],
    )


def conflicts_view(rows: Sequence[ConflictRow], limit: int, customers: Mapping[UUID, UUID]) -> ConflictPage:
    """A page of at most ``limit``; the rows are one more if there is a next page."""
    shown = rows[:limit]
    return ConflictPage(
        conflicts=[_conflict(row, customers[row.contact_id]) for row in shown],
        next=cursors.write_conflict(position_of(shown[-1])) if len(rows) > limit else None,
    )


def _side(resolution: Resolution, contact: str, id_of: PersonalIdOf) -> Side:
    customer = explain.customer_of(resolution, contact)
    return Side(contact=contact, id=id_of(contact), customer_id=id_of(customer.founder))


def _because(explained: explain.Why, *, same: bool) -> Literal["same_contact", "linked", "refused", "missing_evidence"]:
    if same:
        return "same_contact"
    if explained.together:
        return "linked"
    return "refused" if explained.chain or explained.decided else "missing_evidence"


def _tie(step: explain.ChainStep) -> Tie:
    accepted = step.fate == explain.ACCEPTED
    return Tie(
        contact=step.contact,
        type=step.type,
        value=step.value,
        tier=step.tier,
        status="accepted" if accepted else "set_aside" if step.tier is None else "refused",
        reason=None if accepted else step.fate,
        detail=list(step.detail),
        events=[
            EvidenceEvent(event_id=one.event_id, at=one.at, says="decided" if step.type == STAFF else one.says)
            for one in step.sources
        ],
    )


def _conflict(row: ConflictRow, customer_id: UUID) -> Conflict:
    return Conflict(
        contact=row.contact,
        contact_id=row.contact_id,
        customer_id=customer_id,
        type=row.type,
        value=row.value,
        tier=row.tier,
        reason=row.reason,
        detail=orjson.loads(row.detail),
        at=row.at,
    )
