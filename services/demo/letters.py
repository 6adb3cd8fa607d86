"""The life as its senders tell it: letters, each of one sender and of one or several events. Pure.

What a channel, the website, the till or a campaign's list can't say comes by ``POST /v1/events``, each event by itself.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal

from services.demo import campaign_lists, line_webhooks, member_records, messenger_webhooks, site_messages
from services.demo import whatsapp_webhooks as whatsapp
from services.demo.diary import CanonicalEvent

Way = Literal["line", "facebook", "instagram", "whatsapp", "site", "members", "campaigns", "events"]
META: Final[tuple[Way, ...]] = ("facebook", "instagram", "whatsapp")


@dataclass(frozen=True, slots=True)
class Letter:
    """Something told at once: which way, and what happened by it."""

    way: Way
    events: tuple[CanonicalEvent, ...]


def letters(events: Iterable[CanonicalEvent]) -> list[Letter]:
    """Every event in one letter, in the order of the first event of each."""
    told: dict[tuple[Way, Hashable], list[CanonicalEvent]] = {}
    for event in events:
        way = way_of(event)
        told.setdefault((way, _together(way, event)), []).append(event)
    return [letter for (way, _), some in told.items() for letter in _letters(way, some)]


def way_of(event: CanonicalEvent) -> Way:
    """Who tells of the event."""
    if line_webhooks.comes_by_webhook(event):
        return "line"
    channel = messenger_webhooks.channel_of(event)
    if channel is not None:
        return "facebook" if channel == "facebook" else "instagram"
    if whatsapp.tells(event):
        return "whatsapp"
    if site_messages.tells(event):
        return "site"
    if member_records.tells(event):
        return "members"
    return "campaigns" if campaign_lists.tells(event) else "events"


def _together(way: Way, event: CanonicalEvent) -> Hashable:
    """What is equal for the events of one letter."""
    match way:
        case "whatsapp":
            return whatsapp.moment_of(event)
        case "members":
            return member_records.moment_of(event)
        case _:
            return str(event["event_id"])


def _letters(way: Way, events: Sequence[CanonicalEvent]) -> Iterator[Letter]:
    """One letter, if the way can tell all of it at once: the year's end may have cut something off."""
    match way:
        case "whatsapp" if (said := _in_order(events)) and whatsapp.whole(said):
            yield Letter(way, said)
        case "members" if member_records.whole(events):
            yield Letter(way, tuple(member_records.in_order(events)))
        case "whatsapp" | "members":
            yield from (Letter("events", (event,)) for event in events)
        case _:
            yield from (Letter(way, (event,)) for event in events)


def _in_order(events: Sequence[CanonicalEvent]) -> tuple[CanonicalEvent, ...]:
    """WhatsApp's two events of one moment as it tells them: the message and the name, the old contact and the new."""
    return tuple(sorted(events, key=lambda event: event["type"] in {whatsapp.NAME, whatsapp.MOVED[1]}))


def item_of(letter: Letter, rng: Random, *, again: bool) -> dict[str, Any]:
    """The letter in its sender's own shape; only LINE marks what it sends ``again``."""
    event = letter.events[0]
    match letter.way:
        case "line":
            item = line_webhooks.webhook_event(event, rng, redelivered=again)
        case "facebook" | "instagram":
            item = messenger_webhooks.item(event)
        case "whatsapp":
            item = whatsapp.item(letter.events)
        case "site":
            item = site_messages.message(event)
        case "members":
            item = member_records.record(letter.events)
        case "campaigns":
            item = campaign_lists.line(event)
        case "events":
            item = event
    return item
