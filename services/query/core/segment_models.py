"""The shapes of segments: saved filters, what was saved of them, and how many customers they have."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field, NonNegativeInt

from services.query.core.models import Shape, Timestamp
from services.query.core.search_models import AsOf, Total


class SegmentView(Shape):
    """A segment as it was saved last."""

    segment: Annotated[str, Field(examples=["sleeping-vip"])]
    name: Annotated[str | None, Field(examples=["沉睡的 VIP"])]
    names: Annotated[
        dict[str, str] | None, Field(description="by language: zh, en", examples=[{"en": "Sleeping VIPs"}])
    ]
    filter: Annotated[Any, Field(description="as it was written", examples=[{"all": [{"tag": "vip"}]}])]
    by: Annotated[str | None, Field(description="who saved it")]
    saved_at: Timestamp
    event_id: str
    problem: Annotated[
        str | None, Field(description="why it can't be searched; null where nothing is known to be wrong")
    ]


class SegmentPage(Shape):
    """Segments in the order of their ids. A problem is shown here only where the filter can't be read at all."""

    segments: list[SegmentView]
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]


class SegmentDetail(Shape):
    """A segment, and how many customers it has now; null where it can't be searched, and ``problem`` says why."""

    segment: SegmentView
    total: Total | None
    as_of: AsOf


class SegmentChange(SegmentView):
    """A segment as one event saved or deleted it."""

    deleted: bool


class SegmentHistory(Shape):
    """What was saved of a segment, the newest first."""

    versions: list[SegmentChange]
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]


class SegmentSizeOnDay(Shape):
    """How many customers the segment had when it was counted on a day, UTC."""

    day: date
    customers: Annotated[NonNegativeInt | None, Field(description="null where they could not be counted")]
    problem: Annotated[str | None, Field(description="why they could not be counted")]
    counted_at: Timestamp


class SegmentSizes(Shape):
    """The days on which the segment was counted, in their order; on others it was not, so no day is made up."""

    sizes: list[SegmentSizeOnDay]
