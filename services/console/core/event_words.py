"""What pages call what happened in a conversation: kinds of messages, steps on a website, and statuses (pure).

A website may send any name. Those of the usual e-commerce plans are translated, however they are spelled; of another
one the underscores become spaces.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from services.console.core.condition_forms import Say

_WORDS: Final = re.compile(r"[\s_]+|(?<=[a-z])(?=[A-Z])")


def website_step(name: str, say: Say) -> str:
    """A step on a website, such as ``page_viewed``, ``Page Viewed`` or ``pageViewed``."""
    plain = " ".join(_WORDS.split(name.strip()))
    return _steps(say).get(plain.casefold(), plain) if name.isascii() else name


def message_kind(kind: str, say: Say) -> str:
    """A kind of message that is no text."""
    return _kinds(say).get(kind, kind)


def message_status(status: str, say: Say) -> str:
    """What became of a message of the team."""
    return _statuses(say).get(status, status)


def decision(code: str, say: Say) -> str:
    """What staff decided about two contacts."""
    return _decisions(say).get(code, code)


def _steps(say: Say) -> Mapping[str, str]:
    return {
        "page viewed": say("Looked at a page"),
        "screen viewed": say("Looked at a page of the app"),
        "product viewed": say("Looked at a product"),
        "product list viewed": say("Looked at a list of products"),
        "product clicked": say("Chose a product"),
        "products searched": say("Searched for products"),
        "product added": say("Put a product into the cart"),
        "product removed": say("Took a product out of the cart"),
        "product added to wishlist": say("Put a product on the wish list"),
        "product shared": say("Shared a product"),
        "product reviewed": say("Reviewed a product"),
        "cart viewed": say("Looked at the cart"),
        "cart shared": say("Shared the cart"),
        "checkout started": say("Began the checkout"),
        "checkout step viewed": say("Looked at a step of the checkout"),
        "checkout step completed": say("Completed a step of the checkout"),
        "payment info entered": say("Entered how to pay"),
        "order completed": say("Placed an order"),
        "order updated": say("Changed an order"),
        "order refunded": say("An order was refunded"),
        "order cancelled": say("Cancelled an order"),
        "promotion viewed": say("Looked at a promotion"),
        "promotion clicked": say("Chose a promotion"),
        "coupon entered": say("Entered a coupon"),
        "coupon applied": say("Used a coupon"),
        "signed up": say("Signed up"),
        "signed in": say("Signed in"),
        "signed out": say("Signed out"),
    }


def _kinds(say: Say) -> Mapping[str, str]:
    return {
        "image": say("picture"),
        "imagemap": say("picture"),
        "video": say("video"),
        "audio": say("audio"),
        "voice": say("audio"),
        "file": say("file"),
        "document": say("file"),
        "sticker": say("sticker"),
        "location": say("place on the map"),
        "contacts": say("contact card"),
        "reaction": say("reaction"),
        "order": say("order"),
        "template": say("template"),
        "share": say("shared post"),
        "story_mention": say("mention in a story"),
        "story_reply": say("reply to a story"),
        "unsupported": say("of a kind that the channel does not pass on"),
        "unknown": say("of an unknown kind"),
    }


def _statuses(say: Say) -> Mapping[str, str]:
    return {
        "sent": say("sent"),
        "delivered": say("delivered"),
        "read": say("read"),
        "played": say("played"),
        "failed": say("not delivered"),
        "clicked": say("clicked"),
        "deleted": say("deleted"),
    }


def _decisions(say: Say) -> Mapping[str, str]:
    return {"same": say("same person"), "different": say("different people"), "undecided": say("taken back")}


# The fields of events whose codes have words, and the words.
OF_FIELDS: Final[Mapping[tuple[str, str], Callable[[str, Say], str]]] = {
    ("web.tracked", "event"): website_step,
    ("team.message_status", "status"): message_status,
    ("identity.decided", "decision"): decision,
}
