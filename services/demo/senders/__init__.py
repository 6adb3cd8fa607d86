"""Every sender in its own shape. What no other sender reports comes by ``POST /v1/events``."""

from collections.abc import Mapping
from typing import Any, Final

from services.demo.senders.api import CAMPAIGNS, EVENTS, MEMBERS, SITE
from services.demo.senders.line import LINE
from services.demo.senders.meta import FACEBOOK, INSTAGRAM, WHATSAPP
from services.demo.senders.shape import Sender, SenderName, kind_of
from services.demo.year import CanonicalEvent

SENDERS: Final[Mapping[SenderName, Sender]] = {
    "line": LINE,
    "facebook": FACEBOOK,
    "instagram": INSTAGRAM,
    "whatsapp": WHATSAPP,
    "site": SITE,
    "members": MEMBERS,
    "campaigns": CAMPAIGNS,
    "events": EVENTS,
}
_BY_SOURCE: Final[Mapping[Any, SenderName]] = {
    ("line", "line"): "line",
    ("messenger", "facebook"): "facebook",
    ("instagram", "instagram"): "instagram",
    ("whatsapp", "whatsapp"): "whatsapp",
    ("site", "web"): "site",
    ("pos", "crm"): "members",
}


def sender_of(event: CanonicalEvent) -> SenderName:
    """Who sends what begins with this event."""
    if event["data"].get("purpose") == "broadcast":
        return "campaigns"
    if event["contact"] is None:
        return "events"
    name = _BY_SOURCE.get((event["source"], event["contact"]["channel"]), "events")
    return name if kind_of(event) in SENDERS[name].kinds else "events"
