"""The shapes of contacts, customers and timelines. Times are in ms since 1970, UTC; null means never or unknown."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from schemas.events.base import ChannelName

Timestamp = Annotated[int, Field(examples=[1_767_225_600_000])]
ContactKeyText = Annotated[str, Field(examples=["line:oa-taipei:Uc0ffee"])]
Status = Literal["subscribed", "blocked", "none"]


class Shape(BaseModel):
    """An immutable part of an answer."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class ProfileView(Shape):
    """What the channel shows of the person; of a browser, what was said in the session that it is with."""

    display_name: Annotated[str | None, Field(examples=["林小美"])] = None
    avatar: Annotated[str | None, Field(examples=["https://img.example/u/1.jpg"])] = None
    locale: Annotated[str | None, Field(examples=["zh-TW"])] = None


class Stretch(Shape):
    """A period in which the subscription had one status; the present one has no end."""

    status: Literal["subscribed", "blocked"]
    from_: Annotated[Timestamp, Field(alias="from")]
    to: Timestamp | None


class Subscription(Shape):
    """Whether the channel reaches the person, and since when; ``none`` if no event ever said so either way."""

    status: Status
    since: Timestamp | None
    history: Annotated[list[Stretch], Field(description="newest first")]


class Consent(Shape):
    """Whether a kind of marketing is allowed; it is until the person opts out."""

    allowed: bool = True
    at: Annotated[Timestamp | None, Field(description="when it was last allowed or refused; null if never")] = None


class Consents(Shape):
    """The three kinds of marketing that a person can refuse. Bot and welcome messages are none of them.

    What any contact of an address refused holds for all of them.
    """

    broadcast: Consent = Consent()
    web_push: Consent = Consent()
    cart_remarketing: Consent = Consent()


class Messaging(Shape):
    """Which kinds of marketing may be sent: to a valid address, those that it did not refuse."""

    broadcast: bool
    web_push: bool
    cart_remarketing: bool


class Notification(Shape):
    """A subscription to recurring notifications on one topic. The token itself is not shown."""

    topic: str
    status: Literal["opted_in", "opted_out"]
    frequency: Annotated[str | None, Field(examples=["weekly"])]
    token_present: bool
    expires_at: Timestamp | None
    at: Timestamp


class Tag(Shape):
    """A tag that is on the contact now, with how often it was put there since it was last removed or ran out."""

    tag: Annotated[str, Field(examples=["新品通知"])]
    count: Annotated[int, Field(ge=1)]
    last_at: Timestamp
    event_id: Annotated[str, Field(description="the event that put it there last", examples=["line:01J9Z0"])]
    source: Annotated[str | None, Field(description="who put it there last", examples=["keyword_auto_reply"])]
    expires_at: Timestamp | None


class Attribute(Shape):
    """A custom attribute's value."""

    value: Annotated[bool | int | float | str, Field(examples=["2026-03-01"])]
    type: Annotated[str, Field(examples=["date"])]
    at: Timestamp
    event_id: Annotated[str, Field(description="the event that set it", examples=["web:01J9Z0"])]
    claimed: Annotated[bool, Field(description="whether only the public says so, as by a website's public write key")]


class Staff(Shape):
    """The member of staff and the branch that look after the contact (綁定成員, 分店)."""

    member: str | None
    branch: str | None
    at: Timestamp


class SocialBinding(Shape):
    """Whether the contact is bound to a visitor of the site (官網綁定), and which way that came about last."""

    bound: bool
    via: Annotated[str | None, Field(examples=["site_button"])] = None
    at: Timestamp | None = None
    event_id: Annotated[str | None, Field(description="the event that bound it", examples=["line:01J9Z0"])] = None


class BindingView(Shape):
    """An identifier was bound to the contact, or unbound from it again."""

    via: Annotated[str, Field(examples=["cart_tracker"])]
    bound: bool
    at: Timestamp
    event_id: Annotated[str, Field(examples=["line:01J9Z0"])]


class ContactView(Shape):
    """One person on one account of a channel, as everything that happened leaves it."""

    contact: ContactKeyText
    id: Annotated[UUID, Field(description="the contact's permanent personal id")]
    customer_id: Annotated[UUID, Field(description="the customer that the contact belongs to now")]
    by_claim: Annotated[bool, Field(description="whether the public's claims alone tie it to its customer")]
    channel: ChannelName
    account: str
    uid: str
    profile: ProfileView
    subscription: Subscription
    address: Annotated[
        list[ContactKeyText],
        Field(description="the contacts that are one address with it by the channel's word, itself among them"),
    ]
    valid: Annotated[
        bool, Field(description="its address is subscribed, not superseded, and open to some kind of marketing")
    ]
    last_customer_interaction_at: Timestamp | None
    last_team_interaction_at: Timestamp | None
    last_marketing_at: Timestamp | None
    first_seen_at: Timestamp
    consents: Consents
    may_be_messaged: Annotated[Messaging, Field(description="as its address may be")]
    notifications: list[Notification]
    tags: list[Tag]
    attributes: Annotated[
        dict[str, Attribute], Field(description="of a browser, as they were set in the session that it is with")
    ]
    staff: Staff | None
    social_binding: SocialBinding
    bindings: list[BindingView]
    superseded_by: Annotated[str | None, Field(description="the contact key that took this one's place")]


class CustomerTag(Tag):
    """A tag of any of the customer's contacts: the counts added up, the latest time with its event and source."""

    expires_at: Annotated[Timestamp | None, Field(description="when the last of them runs out; null if one never does")]
    origin: Annotated[list[ContactKeyText], Field(description="the contacts that carry it")]


class CustomerAttribute(Attribute):
    """The latest value among the customer's contacts; one by claim only where no other has any."""

    origin: Annotated[ContactKeyText, Field(description="the contact that it comes from")]


class CustomerBinding(Shape):
    """A live binding of one of the customer's contacts to a visitor of the site, and the way that it came about."""

    via: Annotated[str, Field(examples=["site_button"])]
    at: Timestamp
    event_id: Annotated[str, Field(description="the event that bound it", examples=["line:01J9Z0"])]
    origin: Annotated[ContactKeyText, Field(description="the contact that is bound")]


class CustomerView(Shape):
    """An Omni-customer: one person over all channels, rolled up from the contacts."""

    id: Annotated[UUID, Field(description="the customer's id now, whichever name it was asked for by")]
    member_id: Annotated[str | None, Field(examples=["M7"])]
    member_ids: Annotated[
        list[str], Field(description="every spelling of it, and every id that became it", examples=[["M7", "OLD-7"]])
    ]
    phone: Annotated[
        str | None,
        Field(description="the strongest, then latest; claimed only if no other is", examples=["+886911111111"]),
    ]
    email: Annotated[
        str | None,
        Field(description="the strongest, then latest; claimed only if no other is", examples=["mei@example.com"]),
    ]
    name: Annotated[str | None, Field(description="the latest of its names", examples=["林小美"])]
    names: Annotated[
        list[str],
        Field(
            description="what its contacts are called, the latest first; those by claim only if no other has a name",
            examples=[["林小美"]],
        ),
    ]
    contacts: list[ContactView]
    valid: Annotated[bool, Field(description="whether any contact is a valid one")]
    last_customer_interaction_at: Timestamp | None
    last_team_interaction_at: Timestamp | None
    last_marketing_at: Timestamp | None
    first_seen_at: Timestamp
    social_bindings: Annotated[
        list[CustomerBinding], Field(description="each way in which a contact is bound to the site, the latest first")
    ]
    tags: list[CustomerTag]
    attributes: dict[str, CustomerAttribute]


class CustomerContacts(Shape):
    """The contacts of a customer."""

    id: UUID
    contacts: list[ContactView]


class EventView(Shape):
    """An event as it happened; ``data`` depends on the type.

    A message that was unsent has neither text nor payload, and ``unsent``; one that was edited is as it was last
    edited, and has ``edited``.
    """

    event_id: Annotated[str, Field(examples=["line:01J9Z0"])]
    type: Annotated[str, Field(examples=["message.received"])]
    occurred_at: Timestamp
    received_at: Timestamp
    source: Annotated[str, Field(examples=["line-main"])]
    data: Annotated[dict[str, Any], Field(examples=[{"kind": "text", "text": "請問有貨嗎"}])]


class TimelineEvent(EventView):
    """An event of a contact."""

    contact: ContactKeyText


class AccountEvent(EventView):
    """An event that is about an account and no contact: a mention, a group's message, an update of the account."""

    account: Annotated[str, Field(examples=["instagram:17841400000000001"])]


class _EventPage(Shape):
    next: Annotated[str | None, Field(description="the cursor of the page of older events; null at the end")]
    previous: Annotated[
        str | None, Field(description="the cursor of the page of newer events; null where the page has the newest")
    ]


class TimelinePage(_EventPage):
    """Events, newest first, in either direction. A page may hold fewer than were asked for; the cursors tell of more.

    Either cursor is sent as `cursor`.
    """

    events: list[TimelineEvent]


class AccountEventPage(_EventPage):
    """Events of an account, newest first, in either direction. Only the cursors tell whether there are more."""

    events: list[AccountEvent]
