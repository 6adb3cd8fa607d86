"""What a command would change in who is one customer: requests, the events that they stand for, and answers."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from projections.identity.preview import MembershipPreview
from projections.identity.resolution.links import MEMBER_ID, RefusedLink
from projections.identity.resolution.membership_changes import Change
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.set_aside import detail_of
from projections.identity.resolution.values import normalise
from schemas.changes import ChangeType
from schemas.codec import from_dict
from schemas.events import ContactRef, Event
from services.query.core.identity_models import Reason, Session, TypeName
from services.query.core.models import ContactKeyText, Shape

MOST_PAIRS: Final = 100
_MOST_CHANGES: Final = 200
_MOST_CONTACTS: Final = 1000  # of a customer that are shown
_MOST_REFUSED: Final = 200
MemberIdText = Annotated[str, Field(max_length=512, examples=["M7"])]


class NoMerge(ValueError):
    """This is no merge of two member ids; the message says why."""


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class MergeInto(_Request):
    """What a member id would become; null takes an earlier merge back."""

    into: MemberIdText | None


class MergePair(MergeInto):
    """A member id, and what it would become."""

    member_id: MemberIdText


class MergePairs(_Request):
    """Merges that would be made together; where a member id comes twice, its last one counts."""

    merges: Annotated[list[MergePair], Field(min_length=1, max_length=MOST_PAIRS)]


class WishedDecision(_Request):
    """A decision of staff to try: whether two contacts, by their keys or ids, are one person."""

    a: Annotated[str, Field(max_length=600, examples=["line:oa-taipei:Uc0ffee"])]
    b: Annotated[str, Field(max_length=600, examples=["web:shop:c1"])]
    decision: Literal["same", "different", "undecided"]


class CustomerChanged(Shape):
    """A customer that would gain or lose contacts: the first thousand of them before and after, and how many in all."""

    id: UUID
    type: Annotated[ChangeType, Field(description="as in the feed of changes", examples=["merged"])]
    before: list[ContactKeyText]
    before_count: Annotated[int, Field(ge=0)]
    after: list[ContactKeyText]
    after_count: Annotated[int, Field(ge=0)]


class LinkRefused(Shape):
    """A link that would be refused then and is not refused now."""

    contact: ContactKeyText
    session: Session
    type: TypeName
    value: str
    value_session: Session
    reason: Reason
    detail: list[str]


class MembershipChanges(Shape):
    """Which customers would join and part. Nothing changes by asking.

    ``changes`` and ``refused`` show the first two hundred of each.
    """

    changed: Annotated[int, Field(ge=0, description="how many customers would gain or lose contacts")]
    changes: list[CustomerChanged]
    refused: list[LinkRefused]


def merge_events(tenant: str, pairs: Sequence[MergePair], policy: Policy, now: int) -> list[Event]:
    """The events that the merges would be. Raises NoMerge."""
    for pair in pairs:
        for one in (pair.member_id, pair.into):
            _check_member_id(one, policy)
    latest = {pair.member_id.strip(): pair.into for pair in pairs}
    return [
        _event(tenant, None, "member.merged", {"member_id": one, "into": into}, now, number)
        for number, (one, into) in enumerate(latest.items())
    ]


def decision_event(tenant: str, a: ContactRef, b: ContactRef, decision: str, now: int) -> Event:
    """The event that the decision would be."""
    data = {"other": b.model_dump(), "decision": decision, "by": "preview"}
    return _event(tenant, a.model_dump(), "identity.decided", data, now, 0)


def changes_view(preview: MembershipPreview) -> MembershipChanges:
    """The answer."""
    return MembershipChanges(
        changed=len(preview.changes),
        changes=[_changed(one) for one in preview.changes[:_MOST_CHANGES]],
        refused=list(_refused(preview.refused[:_MOST_REFUSED])),
    )


def _check_member_id(value: str | None, policy: Policy) -> None:
    read = normalise(MEMBER_ID, value, policy) if value is not None else None
    if isinstance(read, str):
        raise NoMerge(detail_of(MEMBER_ID, value or "", read, policy))


def _event(tenant: str, contact: Any, type_name: str, data: dict[str, Any], now: int, number: int) -> Event:  # noqa: PLR0913, PLR0917 - what an event is made of
    return from_dict(
        {
            "event_id": f"preview:{number:04}",
            "tenant": tenant,
            "contact": contact,
            "type": type_name,
            "occurred_at": now,
            "received_at": now,
            "source": "preview",
            "data": data,
        }
    )


def _changed(change: Change) -> CustomerChanged:
    return CustomerChanged(
        id=UUID(bytes=change.customer_id.bytes),
        type=change.type,
        before=list(change.before[:_MOST_CONTACTS]),
        before_count=len(change.before),
        after=list(change.after[:_MOST_CONTACTS]),
        after_count=len(change.after),
    )


def _refused(refused: Iterable[RefusedLink]) -> Iterator[LinkRefused]:
    for link, reason, detail in refused:
        value, value_session = link.value if isinstance(link.value, tuple) else (link.value, "")
        yield LinkRefused(
            contact=link.node[0],
            session=link.node[1] or None,
            type=link.type,
            value=value,
            value_session=value_session or None,
            reason=reason,
            detail=list(detail),
        )
