"""The shapes of searches among customers."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from projections.customers.search.facets import FacetName
from projections.customers.search.filters import Filter
from projections.customers.search.queries import SortField
from schemas.events.base import Frozen
from schemas.events.profile import AttributeKey
from services.query.core import cursors
from services.query.core.models import ContactKeyText, Shape, Timestamp

_LATE: Final = 10  # seconds
_EXAMPLE = {
    "all": [
        {"tag": "vip"},
        {"same_contact": {"all": [{"channel": "line"}, {"subscribed": True}, {"last_customer": {"before": "-30d"}}]}},
    ]
}


class SortOrder(Frozen):
    """By what the customers are sorted. Those without a value come last in both directions."""

    by: SortField = "last_customer"
    direction: Literal["ascending", "descending"] = "descending"


class SearchRequest(Frozen):
    """Which customers, in which order, and which page of them."""

    filter: Annotated[Filter, Field(examples=[_EXAMPLE])]
    sort: SortOrder = SortOrder()
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[
        str | None,
        Field(
            max_length=cursors.MOST_OF_A_SEARCH,
            description="`next` of the page before, with the same filter and the same order",
        ),
    ] = None
    total: Annotated[
        Literal["up_to_10000", "exact"],
        Field(description="how far the customers are counted; `exact` takes as long as it takes to look at them all"),
    ] = "up_to_10000"


class FacetsRequest(Frozen):
    """Which customers, and by what they are counted."""

    filter: Annotated[Filter, Field(examples=[_EXAMPLE])]
    facets: Annotated[list[FacetName], Field(max_length=9, default_factory=list)]
    attributes: Annotated[
        list[AttributeKey],
        Field(max_length=10, default_factory=list, description="attributes of which the values are counted"),
    ]
    limit: Annotated[int, Field(ge=1, le=1_000, description="most values of each")] = 50


class MatchRequest(Frozen):
    """Which filter a customer is compared with."""

    filter: Annotated[Filter, Field(examples=[_EXAMPLE])]


class AccountOfCustomer(Shape):
    """An account on which the customer has a contact, and whether a valid one."""

    account: Annotated[str, Field(examples=["line:oa-taipei"])]
    valid: bool


class FoundTag(Shape):
    """A tag that the customer has now."""

    tag: str
    count: int
    last_at: Timestamp


class FoundCustomer(Shape):
    """A customer as a list shows it."""

    id: UUID
    member_id: str | None
    phone: str | None
    email: str | None
    name: str | None
    valid: bool
    contacts: Annotated[int, Field(description="how many")]
    conflicts: Annotated[int, Field(description="how many links of its contacts are refused")]
    first_seen_at: Timestamp
    last_customer_interaction_at: Timestamp | None
    last_team_interaction_at: Timestamp | None
    last_marketing_at: Timestamp | None
    valid_since: Annotated[
        Timestamp | None, Field(description="when the latest of its valid contacts subscribed; null for none")
    ]
    tags: list[FoundTag]
    attributes: dict[str, Any]
    accounts: list[AccountOfCustomer]


class Total(Shape):
    """How many customers the filter finds: exactly so many, or at least."""

    count: int
    relation: Literal["exact", "at_least"]


class AsOf(Shape):
    """Of which moment the customers are.

    ``vector`` has the next offset of each partition by topic: the customers are what the log up to there comes to. It
    is null while changes beyond it are being taken in. ``seconds_behind`` is how long the earliest change of a contact
    has waited that is not in the customers yet; 0 if there is none, and mostly. Without ``complete`` some customers are
    not in the list yet.
    """

    asked_at: Annotated[Timestamp, Field(description="the moment to which relative times refer")]
    vector: dict[str, JsonValue] | None
    seconds_behind: Annotated[int, Field(ge=0)]
    complete: bool

    @property
    def is_late(self) -> bool:
        """Whether a person should be told: numbers may be far from what is known."""
        return self.seconds_behind >= _LATE or not self.complete


class SearchPage(Shape):
    """A page of customers, and how many there are."""

    customers: list[FoundCustomer]
    total: Total
    as_of: AsOf
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]


class FacetValue(Shape):
    """A value, and how many of the customers have it."""

    value: str
    customers: int


class Facet(Shape):
    """The commonest values, the commonest first; with ``more`` there are others."""

    facet: Annotated[str, Field(description="the facet, or the key of the attribute", examples=["tag"])]
    values: list[FacetValue]
    more: bool


class FacetsAnswer(Shape):
    """How the customers that a filter finds spread, exactly."""

    facets: list[Facet]
    attributes: list[Facet]
    as_of: AsOf


class SeenEvent(Shape):
    """The event from which a value came, as far as it is kept."""

    event_id: str | None
    at: Timestamp | None
    contact: ContactKeyText | None
    channel: Annotated[str | None, Field(examples=["line"])]


class SeenValue(Shape):
    """A value that a condition saw; null where there is none."""

    value: JsonValue
    event: SeenEvent


class ConditionMatch(Shape):
    """Whether a condition holds for the customer, and why.

    A condition with parts has ``parts``, any other ``seen``: the values that decided, of many the first ones. The parts
    of ``same_contact`` are about ``contact``, for which it holds or else comes closest.
    """

    model_config = ConfigDict(frozen=True)

    condition: Annotated[str, Field(description="the key of the condition", examples=["tag"])]
    asked: Annotated[JsonValue, Field(description="the condition; null for one with parts, unless it is a segment")]
    holds: bool
    seen: list[SeenValue]
    contact: ContactKeyText | None
    parts: "list[ConditionMatch]"


class MatchAnswer(Shape):
    """Whether a customer fulfils a filter, condition by condition, at the moment ``asked_at``."""

    id: UUID
    holds: bool
    asked_at: Timestamp
    match: ConditionMatch
