"""Appends the events of a website's messages."""

from typing import NamedTuple

from schemas.codec import encode
from schemas.events import Event
from services.ingress.core.segment import SegmentBatch
from services.ingress.core.stated_values import StatedValue, ValueWarning, values_in
from services.ingress.core.translated import Ignored
from services.ingress.core.web import Site, TenantKnowledge, alias_ids, translate_each, user_ids
from services.ingress.handlers.counting import count
from services.ingress.handlers.daily_dedup import DailyDedup
from services.ingress.handlers.turns import Turns
from services.ingress.ports import IdentityReads, Log, Record


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
    turns = Turns()
    for translated, size in translate_each(batch.messages, site, batch.delivery, known):
        events.extend(translated.events)
        ignored.extend(translated.ignored)
        warnings.extend(translated.warnings)
        await turns.spend(size)
    new = dedup.new_events(events)
    try:
        if new:
            await log.append([await _record(event, turns) for event in new])
    except BaseException:
        dedup.forget(new)
        raise
    dedup.remember(new)
    count("web", new, [one.reason for one in ignored])
    return TakenMessages(ignored, values_in(events), tuple(warnings))


async def _record(event: Event, turns: Turns) -> Record:
    raw = encode(event)
    await turns.spend(len(raw))
    return Record.of(event, raw)


async def _knowledge(batch: SegmentBatch, tenant: str, dedup: DailyDedup, identity: IdentityReads) -> TenantKnowledge:
    """What the tenant's messages are read by. Logins that readers may not show yet make members, too."""
    policy = await identity.policy(tenant)
    named = alias_ids(batch.messages)
    if not named:
        return TenantKnowledge(policy)
    recent = [*named & user_ids(batch.messages), *dedup.recent_members(tenant, named)]
    known = await identity.known_members(tenant, sorted(named))
    return TenantKnowledge(policy, {**{one: one for one in recent}, **known})
