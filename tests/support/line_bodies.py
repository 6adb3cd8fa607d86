"""LINE webhooks made up by hand: a tea shop's account, and the people who talk to it."""

from typing import Any

from schemas.events import Event
from services.ingress.core.line import translate
from services.ingress.core.translated import Translated

RECEIVED_AT = 1_762_401_600_000
SENT_AT = RECEIVED_AT - 240
USER_ID = "Uf3a91c07be5d4826a0c9e17d5b48a2f6"
WEBHOOK_EVENT_ID = "01K9C4R0M3V7QW2E8T5Y1A6ZK9"
DESTINATION = "U00000000000000000000000000000tea"
USER = {"type": "user", "userId": USER_ID}
GROUP = {"type": "group", "groupId": "C9d0f3b1a5e7c2846d1b3f5a7c9e0d2b4"}
ROOM = {"type": "room", "roomId": "R1b2c3d4e5f60718293a4b5c6d7e8f901"}
TEXT = {"id": "598113204477231105", "type": "text", "text": "請問高山烏龍還有現貨嗎", "quoteToken": "7hTqv0Rk"}


def entry(type_name: str, **fields: Any) -> dict[str, Any]:
    """One entry of ``events``, as LINE sends it; a field given as None is left out."""
    whole = {
        "type": type_name,
        "mode": "active",
        "timestamp": SENT_AT,
        "source": USER,
        "webhookEventId": WEBHOOK_EVENT_ID,
        "deliveryContext": {"isRedelivery": False},
        "replyToken": "b60d432864f44d079f6d8efe86cf404b",
    } | fields
    return {name: value for name, value in whole.items() if value is not None}


def translated(*entries: Any, **settings: Any) -> Translated:
    """What the entries become at the source of the tea shop."""
    facts: dict[str, Any] = {
        "tenant": "qingshan",
        "source": "line-main",
        "account": "qingshan",
        "provider": "qingshan-provider",
        "received_at": RECEIVED_AT,
    }
    return translate({"destination": DESTINATION, "events": list(entries)}, **(facts | settings))


def event_of(given: Any, **settings: Any) -> Event:
    """The one event that the entry becomes."""
    outcome = translated(given, **settings)
    assert outcome.ignored == ()
    (event,) = outcome.events
    return event
