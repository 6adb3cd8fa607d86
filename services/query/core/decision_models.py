"""The shapes of what people decided: decisions about pairs of contacts, and merges of member ids."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from projections.identity.decision_queries import StoredDecision, StoredMerge
from services.query.core.models import ContactKeyText, Shape, Timestamp

AuthorName = Annotated[str | None, Field(description="who said so", examples=["amy"])]


class ListedDecision(Shape):
    """The latest decision about two contacts; ``undecided`` took an earlier one back."""

    a: ContactKeyText
    b: ContactKeyText
    a_customer_id: Annotated[UUID, Field(description="the customer that holds `a` now")]
    b_customer_id: UUID
    decision: Literal["same", "different", "undecided"]
    by: AuthorName
    note: str | None
    at: Timestamp
    event_id: str


class ListedMerge(Shape):
    """What a member id became last; ``into`` is null where that was taken back."""

    member_id: Annotated[str, Field(examples=["M7"])]
    into: Annotated[str | None, Field(examples=["N7"])]
    by: AuthorName
    at: Timestamp
    event_id: str


class DecisionPage(Shape):
    """Decisions, newest first."""

    decisions: list[ListedDecision]
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]


class MergePage(Shape):
    """Merges of member ids, newest first."""

    merges: list[ListedMerge]
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]


class DecisionsOfCustomer(Shape):
    """The latest decisions about a customer's contacts, and the latest merges into its member id."""

    decisions: list[ListedDecision]
    merges: list[ListedMerge]
    complete: Annotated[bool, Field(description="false if there are more of either than are listed")]


def listed_decision(found: StoredDecision, customers: dict[UUID, UUID]) -> ListedDecision:
    """A decision as it is answered. ``customers`` are those of contacts, by the contacts' ids."""
    return ListedDecision.model_validate(
        {
            "a": found.a,
            "b": found.b,
            "a_customer_id": customers.get(found.a_id, found.a_id),
            "b_customer_id": customers.get(found.b_id, found.b_id),
            "decision": found.verdict,
            "by": found.by,
            "note": found.note,
            "at": found.at,
            "event_id": found.event_id,
        }
    )


def listed_merge(found: StoredMerge) -> ListedMerge:
    """A merge as it is answered."""
    return ListedMerge(**found._asdict())
