"""Forms that append events: they go through the handlers that the API's commands go through."""

import secrets
from collections.abc import Mapping
from typing import Any

import orjson

from services.console.http.visits import Visit
from services.ingress.core.events import Accepted, EventResult, Rejected
from services.ingress.core.statements import Receipt
from services.ingress.http.context import Ingress
from services.ingress.http.identity import NO_DECISION, refused
from services.runtime.problems import Kind


def ingress_of(visit: Visit) -> Ingress:
    """What commands are taken with."""
    ingress: Ingress = visit.request.app.state.ingress
    return ingress


def json_of(fields: Mapping[str, Any]) -> bytes:
    """A command's body."""
    return orjson.dumps(fields)


def who(visit: Visit) -> str:
    """Who is named as the one who decided."""
    return visit.signed_in.name[:255] or "console"


def new_request() -> str:
    """The name of a form that is shown: sent twice, it is one command."""
    return secrets.token_urlsafe(16)


async def settle(visit: Visit, outcome: Receipt | Rejected, kind: Kind) -> bool:
    """Wait until readers see an event. Raises the problem of one that was refused."""
    if isinstance(outcome, Rejected):
        raise refused(outcome, kind)
    return await ingress_of(visit).visibility.wait_until_visible(visit.tenant, [outcome])


async def settle_event(visit: Visit, outcome: EventResult) -> bool:
    """The same for a single event."""
    if isinstance(outcome, Accepted):
        return await settle(visit, Receipt.of(0, [outcome.event]), NO_DECISION)
    raise refused(outcome, NO_DECISION)
