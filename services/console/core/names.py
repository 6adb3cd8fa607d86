"""What pages call channels, identifiers, reasons and events, in one reader's language (pure)."""

from typing import Final

from services.console.core.condition_forms import Say
from services.console.core.list_views import channel_name

MOST_OF_A_VALUE: Final = 60  # characters of a value that stands in a sentence
MOST_OF_A_NAME: Final = 28  # characters of a contact's name there


class Names:
    """Names of what the read models have codes for. An unknown code is shown as it is."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self._identifiers = {
            "member_id": say("member ID"),
            "phone": say("phone number"),
            "email": say("e-mail address"),
            "contact": say("linked contact"),
            "staff": say("decision of staff"),
            "session": say("session of a browser"),
            "line_user": say("LINE user"),
            "facebook_user": say("Messenger user"),
            "instagram_user": say("Instagram user"),
            "whatsapp_user": say("WhatsApp user"),
        }
        self._ways = {
            "site_button": say("site button"),
            "cart_tracker": say("cart pop-up"),
            "bot_button": say("bot button"),
            "phone_otp": say("phone by one-time code"),
            "omnilink": say("link between channels"),
            "login": say("sign-in on the site"),
            "api": "API",
            "import": say("import"),
            "channel": say("the channel itself"),
            "add_friend": say("added as a friend"),
            "unblock": say("no longer blocked"),
            "block": say("blocked on the channel"),
            "get_started": say("pressed “Get Started”"),
        }
        self._tag_sources = {
            "bot": say("bot"),
            "chatbot_button": say("bot button"),
            "broadcast": say("broadcast"),
            "manual": say("by hand"),
            "import": say("import"),
            "keyword_auto_reply": say("keyword"),
            "open_api": "API",
            "api": "API",
            "game": say("game"),
            "abandoned_cart": say("abandoned cart"),
            "add_cart": say("cart"),
            "remarketing": say("remarketing"),
            "product_referral": say("product referral"),
            "journey": say("journey"),
            "line_rich_menu": say("LINE rich menu"),
            "third_party_system": say("another system"),
            "coupon": say("coupon"),
            "cross_channel_connector": say("link between channels"),
            "phone_binding": say("phone by one-time code"),
            "survey_cake": "SurveyCake",
            "social_channel_mapping": say("binding to the site"),
        }
        self._assurances = {
            "intrinsic": say("the channel says so"),
            "verified": say("proven"),
            "stated": say("the brand says so"),
            "claimed": say("only claimed"),
            "retracted": say("taken back"),
            "decided": say("staff decided"),
        }
        self._reasons = {
            "shared_device": say("too many people use this device"),
            "superseded": say("a newer value took its place"),
            "generic": say("too many people have this value"),
            "shared": say("people with different member IDs have this value"),
            "exclusive_conflict": say("the two sides have different member IDs or accounts"),
            "decided_different": say("staff decided that they are different people"),
            "retracted": say("it was taken back"),
            "no_tier": say("the rules give it no weight"),
            "too_many_claims": say("the contact claimed too many values"),
            "other_session": say("it was said in another session of the browser"),
            "no_value": say("it is no valid value"),
            "blocked": say("the value is on the block list"),
        }
        self._events = {
            "message.received": say("Message"),
            "message.edited": say("Message edited"),
            "message.unsent": say("Message unsent"),
            "bot.interacted": say("Used the bot"),
            "web.tracked": say("On the website"),
            "team.message_sent": say("Message from the team"),
            "team.message_status": say("Status of a message"),
            "identity.bound": say("Identity bound"),
            "identity.unbound": say("Identity unbound"),
            "identity.decided": say("Decision of staff"),
            "contact.superseded": say("The contact has a new ID"),
            "contact.events_erased": say("Somebody whom events named was erased"),
            "profile.updated": say("Profile updated"),
            "tag.added": say("Tag added"),
            "tag.removed": say("Tag removed"),
            "attribute.set": say("Attribute set"),
            "attribute.unset": say("Attribute removed"),
            "omo.bound": say("Bound to a member of staff"),
            "omo.unbound": say("Unbound from a member of staff"),
            "contact.followed": say("Subscribed"),
            "contact.blocked": say("Blocked or left"),
            "notification.opted_in": say("Agreed to recurring notifications"),
            "notification.opted_out": say("Stopped recurring notifications"),
            "marketing.opted_out": say("Unsubscribed from marketing"),
            "marketing.opted_in": say("Subscribed to marketing again"),
        }
        self._kinds = {
            "broadcast": say("Broadcasts"),
            "web_push": say("Push messages from the site"),
            "cart_remarketing": say("Cart reminders"),
        }
        self._purposes = self._kinds | {"broadcast": say("Broadcast"), "bot": say("Bot"), "welcome": say("Welcome")}
        self._signs = {
            "name": say("name"),
            "birthday": say("birthday"),
            "address": say("address"),
            "local_part": say("beginning of the e-mail address"),
            "similar_phone": say("similar phone number"),
            "alias": say("former ID on the website"),
        }
        self._statuses = {
            "subscribed": say("Subscribed"),
            "blocked": say("Blocked or left"),
            "none": say("Never subscribed"),
        }

    def channel(self, channel: str) -> str:
        """A channel."""
        return channel_name(channel, self.say)

    def contact(self, key: str, display_name: str | None = None) -> str:
        """A contact in a sentence: the channel, and the name that it shows or the last part of its id."""
        channel, _, rest = key.partition(":")
        uid = rest.partition(":")[2]
        return f"{self.channel(channel)} {short(display_name or uid, MOST_OF_A_NAME)}"

    def identifier(self, type_name: str) -> str:
        """A type of identifier."""
        return self._identifiers.get(type_name, type_name)

    def way(self, via: str) -> str:
        """The way in which a binding or a subscription came about."""
        return self._ways.get(via, via)

    def tag_source(self, source: str | None) -> str:
        """What put a tag there; empty where nothing is known."""
        return self._tag_sources.get(source or "", source or "")

    def assurance(self, code: str) -> str:
        """Who vouches for a statement."""
        return self._assurances.get(code, code)

    def reason(self, code: str | None) -> str:
        """Why something joins nothing."""
        return self._reasons.get(code or "", code or "")

    def event(self, type_name: str) -> str:
        """A type of event."""
        return self._events.get(type_name, type_name)

    def kind(self, kind: str) -> str:
        """A kind of marketing."""
        return self._kinds.get(kind, kind)

    def purpose(self, purpose: str) -> str:
        """Why the team sent a message."""
        return self._purposes.get(purpose, purpose)

    def sign(self, sign: str) -> str:
        """What two customers are compared by."""
        return self._signs.get(sign) or self.identifier(sign)

    def status(self, status: str) -> str:
        """A status of a subscription."""
        return self._statuses.get(status, status)

    def value(self, value: object) -> str:
        """An attribute's value."""
        if isinstance(value, bool):
            return self.say("Yes") if value else self.say("No")
        return str(value)


def short(value: str, most: int = MOST_OF_A_VALUE) -> str:
    """A value that fits into a sentence; the middle of a longer one is left out."""
    half = most // 2
    return value if len(value) <= most else f"{value[:half]}…{value[-half + 1 :]}"
