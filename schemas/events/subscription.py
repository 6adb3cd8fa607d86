"""Whether a contact may be messaged: following, blocking, opting in and out.

``payload`` keeps what only the channel has.
"""

from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from schemas.events.base import Frozen, Millis, Properties, Text, Word
from schemas.events.envelope import Event

MarketingKind = Literal["broadcast", "web_push", "cart_remarketing"]
MARKETING_KINDS: Final = frozenset(get_args(MarketingKind))


class Following(Frozen):
    """How the person came or went, e.g. ``add_friend`` or ``unblock``."""

    via: Word | None = None
    payload: Properties | None = None


class ContactFollowed(Event):
    """The person subscribed to the account."""

    type: Literal["contact.followed"]
    data: Following


class ContactBlocked(Event):
    """The person blocked or left the account."""

    type: Literal["contact.blocked"]
    data: Following


class RecurringNotification(Frozen):
    """A subscription to one topic (FB 定期通知 and the like)."""

    topic: Word = "default"
    frequency: Word | None = None
    token: Text | None = None
    expires_at: Millis | None = None
    payload: Properties | None = None


class NotificationOptedIn(Event):
    """The person agreed to recurring notifications on a topic."""

    type: Literal["notification.opted_in"]
    data: RecurringNotification


class NotificationOptedOut(Event):
    """The person stopped recurring notifications on a topic."""

    type: Literal["notification.opted_out"]
    data: RecurringNotification


class MarketingConsent(Frozen):
    """The kinds of marketing; ``by`` is who stated it, the person or a member of the team."""

    kinds: Annotated[list[MarketingKind], Field(min_length=1)]
    by: Word | None = None
    payload: Properties | None = None


class MarketingOptedOut(Event):
    """No more marketing of these kinds."""

    type: Literal["marketing.opted_out"]
    data: MarketingConsent


class MarketingOptedIn(Event):
    """Marketing of these kinds is welcome again."""

    type: Literal["marketing.opted_in"]
    data: MarketingConsent


EVENTS = (
    ContactFollowed,
    ContactBlocked,
    NotificationOptedIn,
    NotificationOptedOut,
    MarketingOptedOut,
    MarketingOptedIn,
)
