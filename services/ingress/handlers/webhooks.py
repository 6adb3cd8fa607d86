"""Appends the events of the channels' webhooks."""

from collections.abc import Callable

from schemas.codec import encode
from schemas.events import Event
from services.ingress.core.line import translate as translate_line
from services.ingress.core.meta import translate as translate_meta
from services.ingress.core.normalize import ParsedBody, parsed_body
from services.ingress.core.translated import Ignored, Translated
from services.ingress.handlers.counting import count
from services.ingress.ports import Log, Record, WebhookSource


async def take_webhook(raw: bytes, source: WebhookSource, received_at: int, log: Log, events: "Translate") -> None:
    """Append the events of a webhook whose sender is proven. Raises MalformedBody or LogUnavailable."""
    translated = events(parsed_body(raw), source, received_at)
    if translated.events:
        await log.append([Record.of(event, encode(event)) for event in translated.events])
    door = "line" if source.channel == "line" else "meta"
    count(door, translated.events, [ignored.reason for ignored in translated.ignored])


def line_events(body: ParsedBody, source: WebhookSource, received_at: int) -> Translated:
    """The events in a body of LINE's."""
    return translate_line(
        body.value,
        tenant=source.tenant,
        source=source.source,
        account=source.account,
        provider=source.provider,
        received_at=received_at,
        plain=body.plain,
    )


def meta_events(body: ParsedBody, source: WebhookSource, received_at: int) -> Translated:
    """The events in a body of Meta's; of a source of one of its channels, those of that channel."""
    translated = translate_meta(
        body.value,
        tenant=source.tenant,
        source=source.source,
        account=source.account,
        provider=source.provider,
        received_at=received_at,
        senders=source.senders,
        plain=body.plain,
    )
    if source.channel == "meta":
        return translated
    ours = tuple(one for one in translated.events if _channel_of(one) in {None, source.channel})
    others = len(translated.events) - len(ours)
    return Translated(ours, (*translated.ignored, *(Ignored(0, "another_channel") for _ in range(others))))


def _channel_of(event: Event) -> str | None:
    about = event.contact or event.account
    return about.channel if about else None


Translate = Callable[[ParsedBody, WebhookSource, int], Translated]
