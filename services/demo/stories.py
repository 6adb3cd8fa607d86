"""The stories of the brand's year, as data. `steps` says what the words mean; names in braces are those of a cast."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from services.demo import brand
from services.demo.dice import DAY, HOUR, MINUTE
from services.demo.steps import CHANNEL, LATER, Step, Story, step

_SECOND: Final = 1000
_ALL_MARKETING: Final = ["broadcast", "cart_remarketing", "web_push"]


def _identifier(name: str, value: str, assurance: str = "claimed") -> dict[str, str]:
    return {"type": name, "value": value, "assurance": assurance}


def _bound(source: str, via: Any, **given: Any) -> Step:
    return step("identity.bound", source, via=via, **given)


def _received(message_id: str, text: Any, **given: Any) -> Step:
    return step("message.received", CHANNEL, message_id=message_id, kind="text", text=text, **given)


def _tagged(source: str, by: str, tag: Any, **given: Any) -> Step:
    return step("tag.added", by, source=source, tag=tag, **given)


def _attribute(source: str, key: str, value: Any, kind: str, **given: Any) -> Step:
    return step("attribute.set", source, key=key, value=value, type=kind, **given)


def _decided(decision: Any, note: str, **given: Any) -> Step:
    told = {"other": "{other.contact.ref}", "by": "S101", "note": note}
    return step("identity.decided", "console", decision=decision, **told, **given)


def _unbound(source: str, via: str, **given: Any) -> Step:
    return step("identity.unbound", source, via=via, after=LATER, **given)


# Ways to tie a person's contacts.
_BIND_BROWSER: Final = {"who": "social", "needs": ("web",), "linked_contact": "{web.contact.ref}"}
_OMNILINK: Final = {"needs": ("line",), "linked_contact": "{line.contact.ref}"}
_CARD: Final = {"identifiers": "{customer.person.card}", "needs": ("member",)}
_LOGIN: Final = {"identifiers": "{customer.person.login}", "needs": ("member",)}
_OWN_PHONE: Final = {"identifiers": [_identifier("phone", "{customer.person.phone}", "verified")]}

# What happens once, when a person turns up on a channel.
_OWN_PROFILE: Final = step(
    "profile.updated",
    "channels",
    percent=55,
    after=_SECOND,
    display_name="{customer.person.nickname}",
    avatar="https://cdn.example.com/avatars/{customer.contact.uid}.jpg",
    locale="{customer.person.locale}",
)
_OPTED_INTO_TOPIC: Final = {
    "topic": "新品通知",
    "frequency": "weekly",
    "token": "{token}",
    "expires_at": "{expires_at}",
}
_BRANCH: Final = {"member": "{clerk[0]}", "branch": "{customer.person.branch.code}"}
_PAGE: Final = step("web.tracked", "site", event="page_viewed", url=tuple(brand.SITE + page for page in brand.PAGES))

ARRIVALS: Final[dict[str, Story]] = {
    "line": (
        step("contact.followed", CHANNEL, via="add_friend"),
        step("team.message_sent", "bot", percent=60, purpose="welcome", text=brand.WELCOME, after=_SECOND),
        _OWN_PROFILE,
        _tagged("line_rich_menu", "bot", ("永康店掃碼", "官網加好友", "包裝卡 QR"), percent=30, after=5 * _SECOND),
        step("omo.bound", "store", percent=16, after=20 * DAY, **_BRANCH),
    ),
    "facebook": (
        step("bot.interacted", CHANNEL, action="postback", payload="GET_STARTED"),
        _OWN_PROFILE,
        step("notification.opted_in", CHANNEL, percent=35, after=4 * MINUTE, **_OPTED_INTO_TOPIC),
    ),
    "instagram": (_received("{message_id}", brand.INSTAGRAM_HELLOS), _OWN_PROFILE),
    "whatsapp": (_received("{message_id}", brand.WHATSAPP_HELLO),),
    "web": (_PAGE, _bound("site", "login", percent=70, after=6 * MINUTE, **_LOGIN)),
    "crm": (
        (  # one record, which holds all that the CRM knows
            _bound("pos", "import", identifiers="{customer.person.typed}"),
            step("profile.updated", "pos", display_name="{customer.person.name}"),
            _attribute("pos", "member_level", brand.LEVELS, "text", percent=67),
            _attribute("pos", "birthday", "{birthday}", "date", percent=67),
            _attribute("pos", "newsletter", (True, False), "boolean", percent=67),
        ),
    ),
}
BINDINGS: Final[Story] = (
    _bound(
        "site", ("site_button", "site_button", "cart_tracker", "bot_button"), percent=55, after=HOUR, **_BIND_BROWSER
    ),
    _bound("otp", "phone_otp", who="line", percent=20, after=2 * DAY, **_OWN_PHONE),
    _bound("shop", "api", who="line", percent=20, after=2 * DAY, **_CARD),
    *(
        _bound("console", "omnilink", who=channel, percent=12, after=7 * DAY, **_OMNILINK)
        for channel in ("facebook", "instagram", "whatsapp")
    ),
)
# On LINE people block instead of unsubscribing; on other channels a button of the bot does it.
BLOCK: Final[Mapping[str, Story]] = {
    "line": (
        step("contact.blocked", CHANNEL, via="block"),
        step("contact.followed", CHANNEL, percent=30, after=40 * DAY, via="unblock"),
    ),
} | dict.fromkeys(
    ("facebook", "instagram", "whatsapp"),
    (
        step("contact.blocked", "bot", via="bot_button"),
        step("contact.followed", "bot", percent=30, after=40 * DAY, via="bot_button"),
    ),
)
_SOME_MARKETING: Final = (["broadcast"], ["cart_remarketing"], _ALL_MARKETING, _ALL_MARKETING, _ALL_MARKETING)
OPT_OUT: Final[Story] = (
    step("marketing.opted_out", "bot", by="customer", kinds=_SOME_MARKETING),
    step("marketing.opted_in", "bot", percent=30, after=60 * DAY, by="customer", kinds=_ALL_MARKETING),
)

# Visits, with their weights among the visits of one channel.
_REMINDER: Final = step(
    "team.message_sent", "campaigns", who="social", after=2 * HOUR, text=brand.CART_REMINDER, **brand.CART_CAMPAIGN
)
_SPENT: Final = _attribute("pos", "total_spent", "{spent}", "number", who="crm")
_STICKERS: Final = tuple(
    {"packageId": package, "stickerId": sticker}
    for package, sticker in (("446", "1988"), ("446", "2027"), ("789", "10855"), ("11537", "52002734"))
)


def _shopping(event: str) -> Step:
    facts = {"sku": "{item.sku}", "name": "{item.name}", "price": "{item.price}"}
    return step("web.tracked", "site", after=2 * MINUTE, event=event, url="{item.url}", properties=facts)


def _menu_press(percent: float) -> Step:
    after = MINUTE // 2 if percent < 100 else 0  # noqa: PLR2004 - the first press begins the visit
    return step("bot.interacted", CHANNEL, percent=percent, after=after, action="{press}", payload=brand.BOT_ACTIONS)


CONVERSATION: Final[Story] = (
    _received("{message_id}", "{question}"),
    step(
        "team.message_sent",
        "console",
        after=12 * MINUTE,
        purpose="conversation",
        message_id="{sent_id}",
        agent="{clerk[0]}",
        text="{answer}",
    ),
    step(
        "team.message_status",
        CHANNEL,
        on=("whatsapp",),
        after=2 * MINUTE,
        message_id="{sent_id}",
        status=("delivered", "read", "read"),
    ),
    _received("{reply_id}", brand.THANKS, percent=60, after=3 * MINUTE),
    _tagged("manual", "console", brand.TAGS, percent=20, after=5 * MINUTE),
    _tagged("manual", "console", brand.TAGS, percent=5, after=5 * MINUTE, expires_after=90),
)
_MENU: Final[Story] = (
    _menu_press(100),
    _menu_press(40),
    _menu_press(20),
    step("team.message_sent", "bot", percent=40, after=_SECOND, purpose="bot", text=brand.BOT_REPLY),
    _tagged("chatbot_button", "bot", brand.TAGS, percent=20, after=_SECOND, expires_after=(30, 90, 365)),
)
_ID: Final = {"message_id": "{message_id}"}
_STICKER: Final[Story] = (
    step("message.received", CHANNEL, on=("line",), kind="sticker", payload=_STICKERS, **_ID),
    step("message.received", CHANNEL, on=("facebook", "whatsapp"), kind="sticker", **_ID),
    step("message.received", CHANNEL, on=("instagram",), kind="image", **_ID),  # it sends stickers as pictures
)
_PICTURE: Final[Story] = (step("message.received", CHANNEL, kind="image", **_ID),)
_CORRECTED: Final = {"kind": "text", "text": "{question}" + brand.AFTERTHOUGHT, "after": MINUTE}
_EDIT_OR_UNSEND: Final[Story] = (
    _received("{message_id}", "{question}"),
    step("message.unsent", CHANNEL, on=("line", "instagram"), after=MINUTE, **_ID),
    step("message.edited", CHANNEL, on=("facebook", "whatsapp"), **_ID, **_CORRECTED),
)
_LOOK: Final[Story] = (_PAGE, _shopping("product_viewed"))
_ABANDON_CART: Final[Story] = (*_LOOK, _shopping("product_added"), _REMINDER)
_ORDER: Final[Story] = (*_LOOK, _shopping("product_added"), _shopping("order_completed"), _SPENT)
_BUY_IN_STORE: Final[Story] = (
    _SPENT,
    _tagged("third_party_system", "pos", "{branch}消費", expires_after=180),
)
_CHAT: Final[dict[Story, float]] = {CONVERSATION: 44, _MENU: 44, _STICKER: 6, _PICTURE: 3, _EDIT_OR_UNSEND: 3}
VISITS: Final[dict[str, dict[Story, float]]] = {
    **dict.fromkeys(("line", "facebook", "instagram", "whatsapp"), _CHAT),
    "web": {(_PAGE,): 18, _LOOK: 41, _ABANDON_CART: 17, _ORDER: 16, (_PAGE, _bound("site", "login", **_LOGIN)): 8},
    "crm": {_BUY_IN_STORE: 1},
}
NOT_DELIVERED: Final[Story] = (step("team.message_status", "console", message_id="{sent_id}", status="failed"),)

# A campaign's message, and what people do about it.
BROADCAST: Final[Story] = (
    step("team.message_sent", "campaigns", purpose="broadcast", campaign="{campaign.name}", text="{campaign.text}"),
)
_REACTION: Final = {"after": 40 * MINUTE}
_PRESS: Final[Story] = (
    step(
        "bot.interacted", CHANNEL, action="{press}", payload="action=campaign&name={campaign.purpose_tag}", **_REACTION
    ),
    _tagged("broadcast", "campaigns", "{campaign.purpose_tag}", after=_SECOND, expires_after=365),
)
_ASK: Final[Story] = (_received("{message_id}", brand.CAMPAIGN_QUESTION, **_REACTION),)
REACTIONS: Final[dict[str, dict[Story, float]]] = {
    channel: {_PRESS: 9, _ASK: 4, BLOCK[channel]: 1.5, (): 85.5} for channel in ("line", "facebook", "whatsapp")
}


class Case(NamedTuple):
    """A story that every demo but the smallest has, and whom it needs: for each role, channels, and a member or not.

    It is played ``times`` times; without a number, as often as the size of the demo says.
    """

    story: Story
    roles: dict[str, tuple[tuple[str, ...], bool | None]]
    times: int = 0


_FAMILY: Final[Story] = (  # a child registers with a parent's verified phone: the phone joins no contacts
    _bound("otp", "phone_otp", **_OWN_PHONE),
    _bound("shop", "api", after=MINUTE, **_CARD),
    _bound(
        "site",
        "login",
        who="other",
        after=LATER,
        identifiers=[
            _identifier("member_id", "{other.person.member_id}", "verified"),
            _identifier("phone", "{customer.person.phone}"),
        ],
    ),
)
_COUPLE: Final[Story] = (  # two people with one phone; staff who know both decide that they are different
    _bound("otp", "phone_otp", **_OWN_PHONE),
    _bound("console", "api", who="other", after=HOUR, identifiers=[_identifier("phone", "{customer.person.phone}")]),
    _decided("different", "是夫妻，共用手機", after=LATER),
)
_WRONG_MERGE: Final[Story] = (  # two people of one name, until one of them complains
    _decided("same", "同名同姓，應為同一人"),
    _decided(("different", "undecided", "undecided"), "客人來電更正", after=LATER),
)
_FRIENDS_BROWSER: Final = {"linked_contact": "{other.contact.ref}"}
_WRONG_BROWSER: Final[Story] = (  # the site's button is pressed on a friend's phone; support removes the binding
    _bound("site", ("site_button", "bot_button"), **_FRIENDS_BROWSER),
    _unbound("console", "api", **_FRIENDS_BROWSER),
)
_OLD_NUMBER: Final = {"identifiers": [_identifier("phone", "{other.person.phone}", "verified")]}
_RECYCLED_PHONE: Final[Story] = (  # another customer, who had the number before, is still known by it
    _bound("otp", "phone_otp", **_OLD_NUMBER),
    _unbound("console", "api", **_OLD_NUMBER),
)
_TWO_MEMBERS: Final[Story] = (  # contacts of two members are linked; their member ids forbid it
    _bound("shop", "api", **_CARD),
    _bound("shop", "api", who="other", after=HOUR, identifiers="{other.person.card}"),
    _bound("console", "omnilink", after=LATER, **_FRIENDS_BROWSER),
)
_BORROWED_BROWSER: Final[Story] = (  # somebody logs in once on a friend's browser; the shop takes it back
    _bound("site", "login", **_LOGIN),
    _bound("site", "login", after=HOUR, identifiers="{other.person.login}"),
    _unbound("site", "login", identifiers="{other.person.login}"),
)


def _junk(*types: str) -> list[Any]:
    """One of the values of these types, as the site states it."""
    return [
        tuple(
            _identifier(name, value, "verified" if name == "member_id" else "claimed")
            for name in types
            for value in brand.JUNK_VALUES[name]
        )
    ]


_EMPTY_FORM: Final[Story] = (  # values of forms that were left alone, or that people type to get past one
    _bound("site", "channel", identifiers=_junk("email", "phone", "x_line_id")),
    _bound("site", "login", after=MINUTE, identifiers=_junk("member_id")),
)
_SHOPS_PHONE: Final[Story] = (  # entered at the till for customers who give none
    _bound("pos", "import", identifiers=[_identifier("phone", brand.SHOP_PHONE)]),
)
_SHOPS_TABLET: Final[Story] = (  # on the counter; members show their cards on it
    _bound("site", "login", who="tablet", **_CARD),
)
_NEW_NUMBER: Final[Story] = (  # the old WhatsApp contact is superseded by a new one
    (
        step("contact.superseded", CHANNEL, by="{moved.contact.ref}"),
        _bound(CHANNEL, "channel", who="moved", linked_contact="{customer.contact.ref}"),
    ),
    _received("{message_id}", brand.NEW_NUMBER, who="moved", after=MINUTE),
)
_UNKNOWN_TYPES: Final = tuple(  # event types that Onefold does not know: kept in the log and the timeline
    (step(name, "loyalty", points=tuple(range(10, 500, 10)), note="由點數系統送出"),) for name in brand.UNKNOWN_TYPES
)
_TOPIC: Final = {"topic": "新品通知", "frequency": "weekly"}
_STOP_NOTIFICATIONS: Final[Story] = (
    step("notification.opted_in", CHANNEL, **_OPTED_INTO_TOPIC),
    step("notification.opted_out", CHANNEL, after=LATER, **_TOPIC),
)
_REMOVE_TAG: Final[Story] = (
    _tagged("import", "console", "VIP"),
    _tagged("manual", "console", "VIP", after=MINUTE),
    step("tag.removed", "console", after=LATER, tag="VIP", source="manual"),
)
_CANCEL_TASTING: Final[Story] = (
    _attribute("console", "tasting_at", "2026-11-01T14:00:00", "datetime"),
    step("attribute.unset", "console", after=LATER, key="tasting_at"),
)
_LEAVE_BRANCH: Final[Story] = (
    step("omo.bound", "store", **_BRANCH),
    step("omo.unbound", "store", after=LATER, **_BRANCH),
)
_LINK_TO_LINE: Final[Story] = (_bound("console", "omnilink", **_OMNILINK),)
_RENAME: Final[Story] = (step("profile.updated", "channels", display_name="{customer.person.name[1]}寶 ☕"),)
_OPT_OUT_BY_STAFF: Final[Story] = (
    step("marketing.opted_out", "console", kinds=_ALL_MARKETING, by="S101"),
    step("marketing.opted_in", "console", after=LATER, kinds=["broadcast"], by="S101"),
)
_OPT_OUT_ON_WHATSAPP: Final[Story] = (  # its own switch for all of a business's marketing
    step("marketing.opted_out", CHANNEL, kinds=_ALL_MARKETING, by="customer"),
    step("marketing.opted_in", CHANNEL, after=LATER, kinds=_ALL_MARKETING, by="customer"),
)


def _alone(story: Story, *channels: str, times: int = 0, member: bool | None = None) -> Case:
    return Case(story, {"customer": (channels, member)}, times)


def _pair(story: Story, customer: str, other: str, *, members: bool) -> Case:
    channels = tuple(other.split())
    return Case(story, {"customer": ((customer,), members), "other": (channels, members)})


CASES: Final = (
    _pair(_FAMILY, "line", "web", members=True),
    _pair(_COUPLE, "line", "instagram", members=False),
    _pair(_WRONG_MERGE, "line", "line", members=False),
    _pair(_WRONG_BROWSER, "line", "web", members=False),
    _pair(_RECYCLED_PHONE, "line", "whatsapp", members=False),
    _pair(_TWO_MEMBERS, "facebook", "line", members=True),
    _pair(_BORROWED_BROWSER, "web", "line facebook web crm", members=True),
    _alone(_EMPTY_FORM, "web"),
    _alone(_SHOPS_PHONE, "crm"),
    _alone(_SHOPS_TABLET, *brand.ACCOUNTS, times=8, member=True),
    _alone(_NEW_NUMBER, "whatsapp"),
    *(_alone(story, "line", "crm", times=1) for story in _UNKNOWN_TYPES),
    _alone(_STOP_NOTIFICATIONS, "facebook"),
    _alone(_REMOVE_TAG, "line", "facebook", "instagram"),
    _alone(_CANCEL_TASTING, "crm", "line"),
    _alone(_LEAVE_BRANCH, "line", "whatsapp"),
    _alone(_LINK_TO_LINE, "facebook", "instagram", "whatsapp"),
    _alone(_RENAME, "line", "facebook", "instagram"),
    _alone(_OPT_OUT_BY_STAFF, "line", "facebook"),
    _alone(_OPT_OUT_ON_WHATSAPP, "whatsapp"),
    *(_alone(_EDIT_OR_UNSEND, channel) for channel in ("facebook", "instagram", "whatsapp")),
)

# The featured customer has something to show in every part of the profile.
FEATURED: Final[Story] = (
    _bound("site", "login", who="web", **_LOGIN),
    _bound("site", "site_button", after=MINUTE, **_BIND_BROWSER),
    _bound("shop", "api", after=MINUTE, **_CARD),
    step("profile.updated", "channels", after=MINUTE, display_name="{customer.person.nickname}"),
    _tagged("manual", "console", "VIP", after=MINUTE),
    _tagged("manual", "console", "VIP", after=MINUTE),
    _attribute("console", "favourite_tea", "{product}", "text", after=MINUTE),
    _attribute("console", "visits", 12, "number", after=MINUTE),
    step("omo.bound", "store", after=MINUTE, **_BRANCH),
    _REMINDER,
    *CONVERSATION,
)
