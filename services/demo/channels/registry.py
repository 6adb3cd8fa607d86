"""Every sender with its channel. What no other sender reports comes by ``POST /v1/events``, which is the last."""

from collections.abc import Mapping
from typing import Any, Final

from services.demo.channels.campaigns import CAMPAIGNS
from services.demo.channels.channel import ACCEPTED, Channel, Sender
from services.demo.channels.line import LINE
from services.demo.channels.members import MEMBERS
from services.demo.channels.messenger import FACEBOOK, INSTAGRAM
from services.demo.channels.website import SITE
from services.demo.channels.whatsapp import WHATSAPP
from services.demo.year import CanonicalEvent


def _counts(answer: Any, _: int) -> tuple[int, int]:
    statuses = [result["status"] for result in answer["results"]]
    return statuses.count("accepted"), statuses.count("rejected")


EVENTS: Final = Channel(
    path="/v1/events",
    largest=200,
    sends=lambda _: True,
    item=lambda events: events[0],
    answers=ACCEPTED,
    counts=_counts,
)
CHANNELS: Final[Mapping[Sender, Channel]] = {
    "line": LINE,
    "facebook": FACEBOOK,
    "instagram": INSTAGRAM,
    "whatsapp": WHATSAPP,
    "site": SITE,
    "members": MEMBERS,
    "campaigns": CAMPAIGNS,
    "events": EVENTS,
}


def sender_of(event: CanonicalEvent) -> Sender:
    """Who reports the event."""
    return next(sender for sender, channel in CHANNELS.items() if channel.sends(event))
