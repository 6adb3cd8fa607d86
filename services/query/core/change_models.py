"""Changes of customers as they are answered."""

from pydantic import Field

from schemas.changes import CustomerChange
from schemas.quota_changes import QuotaCrossed
from services.query.core.models import Shape


class ChangeView(Shape):
    """A change of a customer's contacts, or of what is used of the quota, and the cursor after it."""

    cursor: str = Field(description="send it as `after` to go on after this change")
    change: CustomerChange | QuotaCrossed


class ChangePage(Shape):
    """The changes after a cursor, a customer's in their order."""

    changes: list[ChangeView]
    next: str = Field(description="send it as `after` for what follows; it moves on where there are no changes, too")
    more: bool = Field(description="whether there may be more at once")
