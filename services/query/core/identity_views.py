"""Explanations, customers' links and conflicts, as readers get them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, cast, get_args
from uuid import UUID

import orjson

from projections.identity.conflict_queries import ConflictOrder, position_of
from projections.identity.customer_links import CustomerPage
from projections.identity.exploring import Found
from projections.identity.resolution.explain import ACCEPTED, NODE_VALUES, ChainStep, remedies, step_order
from projections.identity.resolution.links import Node, Refusal, SetAsideReason
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.set_aside import detail_of
from projections.identity.stored_links import Explained
from projections.identity.tables import ConflictRow, SetAsideRow
from services.query.core import cursors
from services.query.core.identity_models import (
    Conflict,
    ConflictPage,
    CustomerLinks,
    EvidenceEvent,
    Explanation,
    GraphContact,
    ShownValueSetAside,
    Side,
    SuggestedRemedy,
    Tie,
)

PersonalIdOf = Callable[[str], UUID]
_REFUSALS: Final = frozenset(get_args(Refusal))


class Sides(NamedTuple):
    """The two contacts, each as the node that it is with, and their customers with the member ids of these."""

    one: Node
    other: Node
    customers: tuple[UUID, UUID]
    members: tuple[str | None, str | None]

    @property
    def together(self) -> bool:
        """Whether they are one customer."""
        return self.customers[0] == self.customers[1]


class Shown(NamedTuple):
    """The chain with its events, and what of the two contacts is no evidence."""

    chain: Sequence[Explained]
    set_aside: Sequence[SetAsideRow]


class ShownCustomer(NamedTuple):
    """What a customer is known by; ``founder`` is None if that contact has no event of its own."""

    customer_id: UUID
    founder: str | None
    member_id: str | None
    member_ids: Sequence[str]


def why_view(sides: Sides, found: Found, shown: Shown, policy: Policy, id_of: PersonalIdOf) -> Explanation:
    """Why the two contacts are one customer or are not."""
    a, b = (
        Side(contact=node[0], session=node[1] or None, id=id_of(node[0]), customer_id=customer_id)
        for node, customer_id in zip(sides[:2], sides.customers, strict=True)
    )
    advice = () if sides.together else remedies(found.chain, a.contact, b.contact, sides.members)
    return Explanation(
        a=a,
        b=b,
        together=sides.together,
        because=_because(sides, found, shown.set_aside),
        decided_different=found.decided_different,
        chain=[_tie(one) for one in shown.chain],
        set_aside=[_set_aside(row, policy) for row in shown.set_aside],
        would_join=[SuggestedRemedy(text=one.text, request=one.request) for one in advice],
        complete=found.complete,
    )


def links_view(head: ShownCustomer, page: CustomerPage, policy: Policy) -> CustomerLinks:
    """One page of a customer."""
    links = sorted(page.links, key=lambda one: step_order(one.step))
    ties = [_tie(one) for one in links]
    return CustomerLinks(
        id=head.customer_id,
        founder=head.founder,
        member_id=head.member_id,
        member_ids=list(head.member_ids),
        contacts=sorted(
            (
                GraphContact(contact=row.contact, session=row.session or None, id=row.contact_id, by_claim=row.by_claim)
                for row in page.contacts
            ),
            key=lambda one: one.contact,
        ),
        accepted=[one for one in ties if one.status == "accepted"],
        refused=[one for one in ties if one.status == "refused"],
        not_linked=[one for one in ties if one.status == "set_aside"],
        set_aside=[_set_aside(row, policy) for row in page.set_aside],
        next=cursors.write_customer(page.last) if page.last is not None else None,
    )


def conflicts_view(
    rows: Sequence[ConflictRow | SetAsideRow],
    limit: int,
    order: ConflictOrder,
    customers: Mapping[UUID, UUID],
    policy: Policy,
) -> ConflictPage:
    """A page of at most ``limit``, in the order; the rows are one more if there is a next page."""
    shown = rows[:limit]
    return ConflictPage(
        conflicts=[_conflict(row, customers.get(row.contact_id, row.contact_id), policy) for row in shown],
        next=cursors.write_conflict(position_of(shown[-1], order)) if len(rows) > limit else None,
    )


def _because(
    sides: Sides, found: Found, set_aside: Sequence[SetAsideRow]
) -> Literal["same_contact", "linked", "refused", "set_aside", "missing_evidence"]:
    if sides.one[0] == sides.other[0]:
        return "same_contact"
    if sides.together:
        return "linked"
    if found.decided_different or any(step.fate in _REFUSALS for step in found.chain):
        return "refused"
    return "set_aside" if found.chain or set_aside else "missing_evidence"


def _tie(explained: Explained) -> Tie:
    step = explained.step
    accepted = step.fate == ACCEPTED
    value, value_session = _value(step)
    return Tie(
        contact=step.node[0],
        session=step.node[1] or None,
        type=step.type,
        value=value,
        value_session=value_session or None,
        tier=step.tier,
        status="accepted" if accepted else "set_aside" if step.tier is None else "refused",
        reason=None if accepted else step.fate,
        detail=list(step.detail),
        events=[
            EvidenceEvent(event_id=one.event_id, at=one.at, first_at=one.first_at, says=one.says)
            for one in explained.sources
        ],
    )


def _value(step: ChainStep) -> tuple[str, str]:
    if step.type in NODE_VALUES:
        return cast("Node", step.value)
    return (cast("str", step.value), "")


def _set_aside(row: SetAsideRow, policy: Policy) -> ShownValueSetAside:
    reason: Any = row.reason
    return ShownValueSetAside(
        contact=row.contact,
        type=row.type,
        value=row.value,
        reason=reason,
        detail=detail_of(row.type, row.value, reason, policy),
        event_id=row.event_id,
        at=row.at,
    )


def _conflict(row: ConflictRow | SetAsideRow, customer_id: UUID, policy: Policy) -> Conflict:
    if isinstance(row, SetAsideRow):
        detail = [detail_of(row.type, row.value, cast("SetAsideReason", row.reason), policy)]
        session, value_session, tier, at, event_id = None, None, None, row.at, row.event_id
    else:
        detail = orjson.loads(row.detail)
        session, value_session, tier, at, event_id = row.session or None, row.target or None, row.tier, row.since, None
    return Conflict(
        contact=row.contact,
        session=session,
        contact_id=row.contact_id,
        customer_id=customer_id,
        type=row.type,
        value=row.value,
        value_session=value_session,
        status="set_aside" if isinstance(row, SetAsideRow) else "refused",
        tier=tier,
        reason=row.reason,
        detail=detail,
        at=at,
        event_id=event_id,
    )
