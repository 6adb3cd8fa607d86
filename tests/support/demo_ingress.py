"""What ingress makes of what the demo's senders report, by its own translators."""

from collections.abc import Sequence

import orjson

from schemas.events import Event
from services.demo import brand
from services.demo.connections import PROVIDERS
from services.demo.invalid import TENANT
from services.demo.senders import SENDERS, sender_of
from services.demo.senders.api import send_terms
from services.demo.year import Events
from services.ingress.core import line, meta, web
from services.ingress.core.campaigns import Send, validate_entry
from services.ingress.core.events import Accepted, RequestContext, validate_event
from services.ingress.core.members import Terms, validate_member
from services.ingress.core.segment import segment_batch
from services.ingress.core.statements import AcceptedItem


class NotAsSent(ValueError):
    """Ingress would make other events of the report, or refuse it."""


def translated(sent: Events, received_at: int, run: str) -> Sequence[Event]:
    """The report's events as they will be in the log. Raises NotAsSent."""
    events = _translated(sent, received_at, run)
    if len(events) != len(sent):
        types = ", ".join(event["type"] for event in sent)
        raise NotAsSent(f"{types} by {sender_of(sent[0])} would become {len(events)} events.")
    return events


def _translated(sent: Events, received_at: int, run: str) -> Sequence[Event]:
    name, context = sender_of(sent[0]), RequestContext(TENANT, received_at, may_set_tenant=False)
    item = SENDERS[name].item(sent)
    body = orjson.loads(SENDERS[name].body([item], sent[0], run).partition(b"\n")[0])
    match name:
        case "site":
            brought = segment_batch("batch", body, received_at)
            site = web.Site(TENANT, name, brand.ACCOUNTS["web"])
            found = web.translate(brought.messages, site, brought.delivery)
            return () if found.ignored else found.events
        case "members":
            stated = validate_member(item, 0, context, Terms(brand.ACCOUNTS["crm"]))
            return stated.events if isinstance(stated, AcceptedItem) else ()
        case "campaigns":
            send = Send(sent[0]["data"]["campaign"]).amended(send_terms(sent[0], run))
            message = validate_entry(item, 1, send, context)
            return (message.event,) if isinstance(message, Accepted) else ()
        case "events":
            accepted = validate_event(item, 0, context)
            return (accepted.event,) if isinstance(accepted, Accepted) else ()
        case sender:
            translate = line.translate if sender == "line" else meta.translate
            found = translate(
                body,
                tenant=TENANT,
                source=sender,
                account=brand.ACCOUNTS[sender],
                provider=PROVIDERS.get(sender),
                received_at=received_at,
            )
            return () if found.ignored else found.events
