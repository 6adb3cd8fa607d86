"""Meta's webhooks made up by hand: the tea shop's WhatsApp number, Page and Instagram account."""

from typing import Any

import orjson

from schemas import codec
from schemas.events import Event
from services.ingress.core.meta import translate
from services.ingress.core.translated import Translated

RECEIVED_AT = 1_762_401_600_000
SENT_AT = RECEIVED_AT - 3_000
SECONDS = SENT_AT // 1000
PORTFOLIO = "506120944871203"
WABA = "219405566710288"
NUMBER = "118720394455016"
OTHER_NUMBER = "118720394455099"
OWN_PHONE = "886277001234"
PHONE = "886912345678"
NEW_PHONE = "886987654321"
BSUID = "TW.70214458896301225417"
NEW_BSUID = "TW.88810023344556677889"
PARENT = "TW.ENT.11815799212886844830"
PAGE = "301442200917733"
PSID = "7812390045561123"
INSTAGRAM = "17841455667788990"
IGSID = "1204778899001122"
OUR_BOT, OUR_CAMPAIGNS = "880011223344", "880011223355"


def translated(body: Any, **settings: Any) -> Translated:
    """What the body becomes at the source of the tea shop."""
    facts: dict[str, Any] = {
        "tenant": "qingshan",
        "source": "meta-main",
        "account": None,
        "provider": PORTFOLIO,
        "received_at": RECEIVED_AT,
        "senders": {OUR_BOT: "bot", OUR_CAMPAIGNS: "broadcast"},
    }
    return translate(body, **(facts | settings))


def events_of(body: Any, **settings: Any) -> list[Event]:
    """The events of a body of which nothing is ignored."""
    outcome = translated(body, **settings)
    assert outcome.ignored == ()
    return list(outcome.events)


def event_of(body: Any, **settings: Any) -> Event:
    """The one event that the body becomes."""
    (event,) = events_of(body, **settings)
    return event


def data_of(event: Event) -> Any:
    """The event's data as the log has them."""
    return orjson.loads(codec.data_json(event))


def key_of(event: Event) -> str | None:
    """The event's contact key, if it has a contact."""
    return event.contact.key if event.contact else None


def vouched(event: Event) -> list[tuple[str, str]]:
    """The identifiers that the event's channel vouches for."""
    return [(one.type, one.value) for one in event.intrinsic]


def change(field: str = "messages", number: str = NUMBER, **lists: Any) -> dict[str, Any]:
    """One change of a WhatsApp entry."""
    metadata = {"display_phone_number": OWN_PHONE, "phone_number_id": number}
    return {"field": field, "value": {"messaging_product": "whatsapp", "metadata": metadata} | lists}


def whatsapp(*changes: Any) -> dict[str, Any]:
    """A body of WhatsApp's with these changes in one entry."""
    return {"object": "whatsapp_business_account", "entry": [{"id": WABA, "changes": list(changes)}]}


def known(phone: str | None = PHONE, bsuid: str | None = None, **profile: str) -> dict[str, Any]:
    """An entry of ``contacts``."""
    entry = {"wa_id": phone, "user_id": bsuid, "profile": profile or None}
    return {name: value for name, value in entry.items() if value is not None}


def whatsapp_message(
    kind: str = "text", wamid: str | None = "wamid.A1", phone: str | None = PHONE, **fields: Any
) -> dict[str, Any]:
    """One of WhatsApp's ``messages``; a field given as None is left out."""
    whole = {"from": phone, "id": wamid, "timestamp": str(SECONDS), "type": kind} | fields
    return {name: value for name, value in whole.items() if value is not None}


def hello(**fields: Any) -> dict[str, Any]:
    """A WhatsApp message that says hello."""
    return whatsapp_message(text={"body": "請問還有現貨嗎"}, **fields)


def turn(sender: Any = PSID, recipient: Any = PAGE, **fields: Any) -> dict[str, Any]:
    """One item of Messenger's or Instagram's ``messaging``."""
    return {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": SENT_AT} | fields


def page(*items: Any, **fields: Any) -> dict[str, Any]:
    """A body of Messenger's with these items in one entry."""
    entry = {"id": PAGE, "time": SENT_AT + 500, "messaging": list(items)} | fields
    return {"object": "page", "entry": [{name: value for name, value in entry.items() if value is not None}]}


def instagram(*items: Any, **fields: Any) -> dict[str, Any]:
    """A body of Instagram's with these items in one entry."""
    entry = {"id": INSTAGRAM, "time": SENT_AT + 500, "messaging": list(items)} | fields
    return {"object": "instagram", "entry": [{name: value for name, value in entry.items() if value is not None}]}
