"""The shapes of bulk actions."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from projections.bulk_actions.order import BulkOrder
from services.query.core.job_models import JobView
from services.query.core.models import Shape
from services.query.core.search_models import AsOf


class BulkChannel(Shape):
    """The contacts on a channel that are meant, and how many of them would change."""

    channel: str
    contacts: int
    changed: int


class BulkPreview(Shape):
    """What a bulk action would do now. ``changed``, ``unchanged`` and ``skipped`` add up to ``customers``."""

    customers: Annotated[int, Field(description="that the filter finds")]
    changed: Annotated[int, Field(description="of which a contact changes")]
    unchanged: Annotated[int, Field(description="of which every contact that is meant is so already")]
    skipped: Annotated[int, Field(description="of which no contact is meant, as it is on no such channel")]
    channels: list[BulkChannel]
    notes: Annotated[list[str], Field(description="what the action does not affect")]
    token: Annotated[str, Field(description="starts what was shown, as long as the filter finds as many customers")]
    as_of: AsOf


class BulkStart(BulkOrder):
    """A bulk action, with the ``token`` of its preview or the number of customers that it is expected to find."""

    token: Annotated[str | None, Field(max_length=128)] = None
    expected_customers: Annotated[int | None, Field(ge=0)] = None

    @model_validator(mode="after")
    def _number_was_seen(self) -> Self:
        if (self.token is None) == (self.expected_customers is None):
            raise ValueError("either the token of a preview or expected_customers has to be given")
        return self

    @property
    def order(self) -> BulkOrder:
        """The action without what ties it to its preview."""
        return BulkOrder.model_construct(
            filter=self.filter, action=self.action, contacts=self.contacts, channels=self.channels
        )


class BulkStarted(Shape):
    """A bulk action that was started: what it would do at that moment, and the job that does it."""

    preview: BulkPreview
    job: JobView
