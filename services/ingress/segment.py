"""Taking in what websites say."""

import asyncio
from typing import Final

from schemas.codec import encode
from schemas.events import Event
from services.ingress.core.segment import Parcel
from services.ingress.core.translated import Ignored
from services.ingress.core.web import Site, translate
from services.ingress.counting import count
from services.ingress.daily_dedup import OnceADay
from services.ingress.ports import Log, Record

# Translating this many messages takes a few milliseconds; then other requests have their turn.
_SLICE: Final = 100


async def take_messages(parcel: Parcel, site: Site, log: Log, said: OnceADay) -> list[Ignored]:
    """Append what a website's messages tell; which of them told nothing, and why. Raises LogAway."""
    events: list[Event] = []
    ignored: list[Ignored] = []
    for start in range(0, len(parcel.messages), _SLICE):
        if start:
            await asyncio.sleep(0)
        translated = translate(parcel.messages[start : start + _SLICE], site, parcel.delivery, start)
        events.extend(translated.events)
        ignored.extend(translated.ignored)
    news = said.news(events)
    if news:
        await log.append([Record.of(event, encode(event)) for event in news])
        said.remember(news)
    count("web", news, [one.reason for one in ignored])
    return ignored
