"""What pages say about channels: their health in words, their bars, and what people do to connect one (pure)."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.console.core.condition_forms import Say
from services.console.core.list_views import channel_name
from services.ingress.core.source_health import HealthState

CHANNELS: Final = "/console/channels"
CONNECT: Final = "/console/connect"
KINDS: Final = ("line", "meta", "web", "crm")
BAR_HEIGHT: Final = 24
_WORDS: Final = ("on", "on, or what comes while Onefold is away is lost", "(none is set)")
_TONES: Final[dict[HealthState, str]] = {
    "ok": "good",
    "waiting": "accent",
    "quiet": "warn",
    "warning": "warn",
    "failing": "danger",
    "disabled": "",
}


class HourBar(NamedTuple):
    """A bar of a chart, ``BAR_HEIGHT`` high at most; every hour is 4 wide."""

    x: int
    y: float
    height: float


class HealthWords(NamedTuple):
    """A state as a badge, and what to do about it."""

    name: str
    tone: str
    advice: str


def bars(hours: Sequence[int]) -> list[HourBar]:
    """The bars of events by hour. An hour with an event is never invisible."""
    most = max(*hours, 1)
    heights = [max(1.0, BAR_HEIGHT * one / most) if one else 0.0 for one in hours]
    return [HourBar(4 * index, BAR_HEIGHT - height, height) for index, height in enumerate(heights) if height]


def health_words(state: HealthState, channel: str, say: Say) -> HealthWords:
    """What people call a state, and what they do about it."""
    names: dict[HealthState, str] = {
        "ok": say("Works"),
        "waiting": say("Nothing came yet"),
        "quiet": say("Quiet for a day"),
        "warning": say("Some were refused"),
        "failing": say("Signatures are wrong"),
        "disabled": say("Disabled"),
    }
    website = channel == "web"
    key = say(
        "The website sends logins that are not signed as this channel asks. Check the login secret on its server."
    )
    secret = say("Requests are signed with another secret. Copy the secret from the channel's console again.")
    advice: dict[HealthState, str] = {
        "ok": "",
        "waiting": say("Do the steps below. What comes first appears here."),
        "quiet": say("If people wrote meanwhile, check in the channel's console that its webhook is on."),
        "warning": say("If it goes on, test the channel. Single ones may be from strangers."),
        "failing": key if website else secret,
        "disabled": say("What the channel sends is refused until it is enabled again."),
    }
    return HealthWords(names[state], _TONES[state], advice[state])


def source_channel_name(channel: str, say: Say) -> str:
    """What people call the channel of a source."""
    return say("Messenger, Instagram and WhatsApp") if channel == "meta" else channel_name(channel, say)


def steps_of(channel: str, say: Say) -> list[str]:
    """What people do in the channel's own console once the source is connected."""
    if channel == "line":
        return [
            say("In LINE Developers open the channel, and its page Messaging API."),
            say("Copy the webhook URL there, press Verify, and turn on Use webhook and Webhook redelivery."),
            say("In LINE Official Account Manager turn off auto-reply messages if your team answers."),
            say("Send a message to the account from your own phone."),
        ]
    if channel == "web":
        return [
            say("Put the public write key and the address of this service into the SDK on the website's pages."),
            say("Keep the server write key and the login secret on the website's server."),
            say("Open a page of the website."),
        ]
    return [
        say("In Meta for Developers open the app, and its page Webhooks of each product."),
        say("Enter the callback URL and the verify token, and press Verify and save."),
        say("Subscribe to the fields below, and connect the page or number to the app."),
        say("Send a message to the page or number from your own phone."),
    ]


def is_word(value: str) -> bool:
    """Whether what is to be entered in a channel's console is a word, such as that of a switch, and no text to copy."""
    return value in _WORDS


def setting_value(value: str, say: Say) -> str:
    """The word in the reader's language."""
    lost = say("on, or what comes while Onefold is away is lost")
    return {_WORDS[0]: say("on"), _WORDS[1]: lost, _WORDS[2]: say("none is set")}.get(value, value)


def check_name(what: str, say: Say) -> str:
    """What people call a check."""
    names = {
        "enabled": say("The channel is enabled"),
        "service reachable": say("This service is ready"),
        "handshake": say("The verify token is answered"),
        "signature accepted": say("A signed request is accepted"),
        "forgery refused": say("A forged request is refused"),
        "channel": say("The channel itself"),
        "webhooks": say("Requests of the website"),
    }
    if what.startswith("signature ") and what.endswith(" accepted") and what not in names:
        return f"{say('A signed request is accepted')} ({what.removeprefix('signature ').removesuffix(' accepted')})"
    return names.get(what, what)


def check_advice(what: str, state: str, advice: str, say: Say) -> str:
    """What was found: in the reader's language where it went well, or where only the channel knows."""
    if state == "ok":
        return ""
    if what == "channel":
        return say("Only the channel knows whether it has the same secret: press Verify in its console.")
    if what == "webhooks":
        return say("Only the website's pages can send: open one, and look whether an event arrives.")
    return advice
