"""The settings to enter in a channel's own console, so that it sends its webhooks here."""

from typing import Final

from schemas.webhook_fields import WEBHOOK_FIELDS, fields_of
from services.control.source_service import META_CHANNELS
from services.control.sources import Source

# A source of Meta is one app. With channel `meta` it accepts all that the app sends, else only its own channel.
WEBHOOK_PATHS: Final = {"line": "/webhooks/line/{source}"} | dict.fromkeys(
    sorted(META_CHANNELS), "/webhooks/meta/{source}"
)
_PRODUCTS: Final = {"facebook": "Messenger", "instagram": "Instagram", "whatsapp": "WhatsApp"}


def webhook_path(source: Source) -> str:
    """The path of the source's webhooks; empty for a channel that has none."""
    return WEBHOOK_PATHS.get(source.channel, "").format(source=source.source)


def console_settings(source: Source, base: str | None, verify_token: str | None) -> list[tuple[str, str]]:
    """What to enter, by the names of the console. ``base`` is the public address of the service, if it is known."""
    url = (base or "https://YOUR-HOST").rstrip("/") + webhook_path(source)
    if source.channel == "line":
        return [
            ("Messaging API > Webhook URL", url),
            ("Messaging API > Use webhook", "on"),
            ("Messaging API > Webhook redelivery", "on, or what comes while Onefold is away is lost"),
        ]
    if source.channel not in META_CHANNELS:
        return []
    channels = [one for one in WEBHOOK_FIELDS if source.channel in ("meta", one)]
    return [
        ("Webhooks > Callback URL", url),
        ("Webhooks > Verify token", verify_token or "(none is set)"),
        *((f"Webhooks > {_PRODUCTS[one]} > subscribe to", fields_of(one)) for one in channels),
        ("App settings > Data deletion callback URL", f"{url}/deletion"),
    ]
