"""What ingress makes of a letter, by its own translators: so it is known under which ids the log has the life. Pure."""

from collections.abc import Sequence
from random import Random
from typing import Final

from schemas.events import Event
from services.demo import brand, campaign_lists
from services.demo.letters import Letter, item_of
from services.demo.posts import body_of
from services.demo.spoilt import TENANT
from services.ingress.core import line, meta, web
from services.ingress.core.campaigns import Send, validate_entry
from services.ingress.core.events import Accepted, RequestContext, validate_event
from services.ingress.core.members import Terms, validate_member
from services.ingress.core.segment import segment_batch
from services.ingress.core.statements import Statement
from services.ingress.core.translated import Translated

PROVIDERS: Final = {"line": brand.LINE_PROVIDER, "whatsapp": brand.WHATSAPP_PORTFOLIO}


class Misunderstood(ValueError):
    """Ingress would not make of the letter what it tells."""


def understood(letter: Letter, received_at: int, story: str) -> Sequence[Event]:
    """The letter's events, as they will be in the log. Raises Misunderstood for what the door would refuse."""
    events = _translated(letter, received_at, story)
    if len(events) != len(letter.events):
        told = ", ".join(event["type"] for event in letter.events)
        raise Misunderstood(f"{told} by {letter.way} would become {len(events)} events.")
    return events


def _translated(letter: Letter, received_at: int, story: str) -> Sequence[Event]:
    item, context = item_of(letter, Random(0), again=False), RequestContext(TENANT, received_at, may_set_tenant=False)
    match letter.way:
        case "site":
            brought = segment_batch("batch", body_of("site", [item]), received_at)
            site = web.Site(TENANT, letter.way, brand.ACCOUNTS["web"])
            return _all(web.translate(brought.messages, site, brought.delivery))
        case "members":
            stated = validate_member(item, 0, context, Terms(brand.ACCOUNTS["crm"]))
            return stated.events if isinstance(stated, Statement) else ()
        case "campaigns":
            terms = campaign_lists.terms(letter.events[0], story)
            send = Send(letter.events[0]["data"]["campaign"]).amended(terms)
            message = validate_entry(item, 1, send, context)
            return (message.event,) if isinstance(message, Accepted) else ()
        case "events":
            accepted = validate_event(item, 0, context)
            return (accepted.event,) if isinstance(accepted, Accepted) else ()
        case way:
            translate = line.translate if way == "line" else meta.translate
            return _all(
                translate(
                    body_of(way, [item]),
                    tenant=TENANT,
                    source=way,
                    account=brand.ACCOUNTS[way],
                    provider=PROVIDERS.get(way),
                    received_at=received_at,
                )
            )


def _all(translated: Translated) -> Sequence[Event]:
    return () if translated.ignored else translated.events
