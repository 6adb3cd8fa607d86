"""A tea shop's website as it speaks to Onefold, made up by hand."""

from typing import Any

import orjson

from schemas import codec
from schemas.events import Event
from services.ingress.core.translated import Translated
from services.ingress.core.web import Delivery, Site, TenantKnowledge, translate

RECEIVED_AT = 1_762_401_600_000  # 2025-11-06T04:00:00Z
AT = "2025-11-06T03:59:58.750Z"
HAPPENED_AT = RECEIVED_AT - 1_250
VISITOR = "b3c1d2e4-7f10-4a55-9c0e-2f6a8d417e91"
MEMBER = "QS-20417"
SITE = Site("qingshan", "web-main", "qingshan-shop")
CONTEXT = {
    "ip": "203.0.113.7",
    "locale": "zh-TW",
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64)",
    "page": {"path": "/tea/oolong", "title": "高山烏龍", "url": "https://qingshan.example/tea/oolong"},
}


def message(kind: str, **fields: Any) -> dict[str, Any]:
    """One message as the browser's SDK sends it; a field given as None is left out."""
    whole = {
        "type": kind,
        "messageId": "ajs-next-5f0c",
        "anonymousId": VISITOR,
        "timestamp": AT,
        "context": CONTEXT,
        "integrations": {},
        "writeKey": "wk_public",
    } | fields
    return {name: value for name, value in whole.items() if value is not None}


def translated(
    *messages: Any,
    received_at: int = RECEIVED_AT,
    site: Site = SITE,
    known: TenantKnowledge | None = None,
    **shared: Any,
) -> Translated:
    """What the messages become at the tea shop's site."""
    return translate(list(messages), site, Delivery(received_at, **shared), known)


def events_of(given: Any, **shared: Any) -> tuple[Event, ...]:
    """The events of a message that is understood."""
    outcome = translated(given, **shared)
    assert outcome.ignored == ()
    return outcome.events


def content_of(event: Event) -> tuple[str, str, Any]:
    """An event's id, type and data."""
    return event.event_id, event.type, orjson.loads(codec.data_json(event))


def all_said(given: Any, **shared: Any) -> list[tuple[str, str, Any]]:
    """Id, type and data of each event of the message."""
    return [content_of(event) for event in events_of(given, **shared)]
