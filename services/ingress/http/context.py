"""What every route of ingress works with, and FastAPI's dependencies for the routes that are not hot."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Query, Request

from projections.engine.ids import IdOf
from services.control.auth import Authenticator, Principal, Requires
from services.control.source_service import SourceService
from services.ingress.core.events import RequestContext
from services.ingress.core.shares import proven, unproven
from services.ingress.core.statements import Receipt
from services.ingress.handlers.source_activity import SourceActivity
from services.ingress.http.body import (
    CUT_OFF,
    MALFORMED_BODY,
    UNSUPPORTED_ENCODING,
    busy,
    read_body,
    unpacked,
)
from services.ingress.http.warnings import warning_fields
from services.ingress.ports import (
    AppUserReads,
    AttributeReads,
    IdentityReads,
    Log,
    LogFull,
    SegmentReads,
    Sources,
    Visibility,
)
from services.runtime.api import COMMON_PROBLEMS, Access, Responses, problem_responses
from services.runtime.auditing import note_object
from services.runtime.budget import Budget, BudgetLease
from services.runtime.database import Engine
from services.runtime.peers import Peers
from services.runtime.problems import SLOW_BODY, TOO_LARGE, Problem, unavailable
from services.runtime.rate_limits import RateLimits
from services.runtime.settings import Settings

_LONGEST_KEY: Final = 255
_NOTED: Final = 10  # contacts of one request
# What a request takes of its key's rate limit, where it may hold many records, and where they are streamed.
BODY_COST: Final = 10.0
LIST_COST: Final = 200.0
BODY_PROBLEMS: Final[Responses] = problem_responses(MALFORMED_BODY, CUT_OFF, SLOW_BODY, TOO_LARGE, UNSUPPORTED_ENCODING)
COMMAND_PROBLEMS: Final[Responses] = COMMON_PROBLEMS | BODY_PROBLEMS


@dataclass(frozen=True, slots=True)
class Ingress:
    """What a request is answered with; ``engine`` is the control schema's."""

    settings: Settings
    authenticator: Authenticator
    sources: Sources
    log: Log
    budget: Budget
    peers: Peers
    visibility: Visibility
    identity: IdentityReads
    app_users: AppUserReads
    attributes: AttributeReads
    segments: SegmentReads
    limits: RateLimits[str]
    engine: Engine
    source_service: SourceService
    id_of: IdOf
    activity: SourceActivity


def now() -> int:
    """The clock's time, in ms."""
    return time.time_ns() // 1_000_000


def log_problem(error: Exception) -> Problem:
    """The 503 for what the log could not take."""
    return busy() if isinstance(error, LogFull) else unavailable("Kafka")


async def checked_context(ingress: Ingress, principal: Principal) -> RequestContext:
    """The same, for events whose attributes must have the types that they are defined with."""
    types = await ingress.attributes.attribute_types(principal.tenant)
    return replace(context_of(principal), attribute_types=types)


def context_of(principal: Principal) -> RequestContext:
    """What a body's events are validated with."""
    return RequestContext(principal.tenant, now(), may_set_tenant="admin" in principal.scopes)


# Dependencies are coroutines, though most wait for nothing: others would each be sent to a thread and back.
async def _ingress(request: Request) -> Ingress:
    ingress: Ingress = request.app.state.ingress
    return ingress


Serving = Annotated[Ingress, Depends(_ingress)]


def require(scope: str, cost: float = 1.0, *, recorded: bool = True) -> Requires:
    """The dependency of a route that needs the scope, and takes so much of the key's rate limit."""
    return Requires(Access(scope, cost, recorded), lambda request: request.app.state.ingress.authenticator)


# A route names its principal before its body: FastAPI resolves them in this order, so that nobody's body is read.
EventWriter = Annotated[Principal, Depends(require("events:write"))]
ManyWriter = Annotated[Principal, Depends(require("events:write", BODY_COST))]
ListWriter = Annotated[Principal, Depends(require("events:write", LIST_COST))]
CustomerWriter = Annotated[Principal, Depends(require("customers:write"))]
Administrator = Annotated[Principal, Depends(require("admin"))]


async def _lease(request: Request, ingress: Serving) -> AsyncIterator[BudgetLease]:
    principal: Principal | None = getattr(request.state, "principal", None)
    shares = proven(principal.tenant) if principal else unproven(ingress.peers.of(request.scope))
    with ingress.budget.lease(*shares) as lease:
        yield lease


Held = Annotated[BudgetLease, Depends(_lease, scope="function")]


async def body_of(request: Request, ingress: Serving, lease: Held) -> bytes:
    """A request's body, unpacked. Raises a 400, 408, 413, 415 or 503 problem."""
    limit = ingress.settings.body_limit
    return unpacked(request, await read_body(request, limit, lease), limit, lease)


Body = Annotated[bytes, Depends(body_of)]
Wait = Annotated[
    bool, Query(description="Answer only once readers see it, or after ten seconds; `visible` says which.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=_LONGEST_KEY,
        description="Your own name of this request: sent again with the same key and content, it changes nothing more.",
    ),
]


async def visible(
    ingress: Ingress, lease: BudgetLease, tenant: str, receipts: Sequence[Receipt], *, wait: bool
) -> bool | None:
    """Whether readers see what the log has; None for who did not ask to wait. Whoever waits holds no memory.

    The contacts, of many the first, are noted for the audit trail.
    """
    lease.close()
    note_object("contact", *(ingress.id_of(tenant, one.contact) for one in receipts[:_NOTED] if one.contact))
    return await ingress.visibility.wait_until_visible(tenant, receipts) if wait else None


async def warned(ingress: Ingress, tenant: str, receipts: Sequence[Receipt]) -> dict[str, Any]:
    """The fields of a WarningAnswer about what was stated."""
    stated = [value for one in receipts for value in one.stated]
    noticed = [warning for one in receipts for warning in one.warnings]
    return await warning_fields(ingress.identity, tenant, stated, noticed)
