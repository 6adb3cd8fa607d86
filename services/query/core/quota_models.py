"""The shapes of quota: what is used of it, and the contacts beyond it."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt

from schemas.events.base import ChannelName
from services.query.core.models import ContactKeyText, Shape, Timestamp


class QuotaAccount(Shape):
    """The valid contacts of one account."""

    channel: ChannelName
    account: Annotated[str, Field(examples=["oa-taipei"])]
    used: NonNegativeInt


class QuotaChannel(Shape):
    """The valid contacts of one channel."""

    channel: ChannelName
    used: NonNegativeInt


class QuotaDay(Shape):
    """What was used at the end of a day, UTC, in the quota's unit; on the present day, so far."""

    day: date
    used: NonNegativeInt


class QuotaStatus(Shape):
    """How much of the quota (名單配額) is used. Nothing is refused beyond the limit: it is only shown, and not sent to.

    ``used`` and the history are in the quota's unit: customers are those that there are now, each of which was valid
    while any of its contacts was. The accounts and the channels always count valid contacts, those that are one address
    (a number and a BSUID on WhatsApp) once.
    """

    limit: Annotated[int | None, Field(description="null while none was set")]
    unit: Literal["contacts", "customers"]
    set_at: Timestamp | None
    used: NonNegativeInt
    share: Annotated[float | None, Field(description="used, divided by the limit; null where that is none or 0")]
    remaining: Annotated[NonNegativeInt | None, Field(description="null without a limit")]
    over_quota: Annotated[NonNegativeInt, Field(description="how many are beyond the limit")]
    current: Annotated[
        bool,
        Field(
            description="false while changes are on their way into the numbers of customers, and of addresses with "
            "several contacts; contacts that are an address alone are always counted"
        ),
    ]
    channels: list[QuotaChannel]
    accounts: list[QuotaAccount]
    history: list[QuotaDay]


class QuotaContact(Shape):
    """A valid contact, in the order in which they subscribed; of an address the one that counts."""

    contact: ContactKeyText
    display_name: str | None
    subscribed_at: Timestamp


class QuotaContactPage(Shape):
    """Contacts that are over quota, those that subscribed first at the top."""

    contacts: list[QuotaContact]
    next: Annotated[str | None, Field(description="the cursor of the next page; null at the end")]
