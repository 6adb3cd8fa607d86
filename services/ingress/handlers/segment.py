"""Appends the events of a website's messages."""

import asyncio
from typing import Final, NamedTuple

from schemas.codec import encode
from schemas.events import Event
from services.ingress.core.segment import SegmentBatch
from services.ingress.core.stated_values import StatedValue, ValueWarning, values_in
from services.ingress.core.translated import Ignored
from services.ingress.core.web import Site, TenantKnowledge, alias_ids, translate, user_ids
from services.ingress.handlers.counting import count
from services.ingress.handlers.daily_dedup import DailyDedup
from services.ingress.ports import IdentityReads, Log, Record

# Translating this many messages takes a few milliseconds; then other requests have their turn.
_SLICE: Final = 100


class TakenMessages(NamedTuple):
    """The messages that became no event, with why; the identifiers that the others state; warnings of other values."""

    ignored: list[Ignored]
    stated: tuple[StatedValue, ...]
    warnings: tuple[ValueWarning, ...] = ()


async def take_messages(
    batch: SegmentBatch, site: Site, log: Log, dedup: DailyDedup, identity: IdentityReads
) -> TakenMessages:
    """Append the events of a website's messages. Raises LogUnavailable."""
    known = await _knowledge(batch, site.tenant, dedup, identity)
    events: list[Event] = []
    ignored: list[Ignored] = []
    warnings: list[ValueWarning] = []
    for start in range(0, len(batch.messages), _SLICE):
        if start:
            await asyncio.sleep(0)
        translated = translate(batch.messages[start : start + _SLICE], site, batch.delivery, known, start)
        events.extend(translated.events)
        ignored.extend(translated.ignored)
        warnings.extend(translated.warnings)
    new = dedup.new_events(events)
    try:
        if new:
            await log.append([Record.of(event, encode(event)) for event in new])
    except BaseException:
        dedup.forget(new)
        raise
    dedup.remember(new)
    count("web", new, [one.reason for one in ignored])
    return TakenMessages(ignored, values_in(events), tuple(warnings))


async def _knowledge(batch: SegmentBatch, tenant: str, dedup: DailyDedup, identity: IdentityReads) -> TenantKnowledge:
    """What the tenant's messages are read by. Logins that readers may not show yet make members, too."""
    policy = await identity.policy(tenant)
    named = alias_ids(batch.messages)
    if not named:
        return TenantKnowledge(policy)
    recent = [*named & user_ids(batch.messages), *dedup.recent_members(tenant, named)]
    known = await identity.known_members(tenant, sorted(named))
    return TenantKnowledge(policy, {**{one: one for one in recent}, **known})
