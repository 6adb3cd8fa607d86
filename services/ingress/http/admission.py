"""The first steps of every route that a source calls: find the source, apply its rate limit."""

from collections.abc import Collection

from starlette.requests import Request

from services.control.source_activity import SourceOrigin
from services.ingress.core.shares import proven, unproven
from services.ingress.core.web import Site
from services.ingress.http.body import busy
from services.ingress.http.context import Ingress
from services.ingress.ports import SourcesUnavailable, WebhookSource
from services.runtime.buckets import Allowance
from services.runtime.budget import Budget, BudgetExceeded, BudgetLease
from services.runtime.peers import Peers
from services.runtime.problems import NOT_FOUND, TOO_FAST, Problem, unavailable
from services.runtime.rate_limits import RateLimits, TooFast


async def source_of(request: Request, ingress: Ingress, channels: Collection[str]) -> WebhookSource:
    """The source in the request's path, if it is of one of the channels. Raises a 404 or 503 problem."""
    try:
        source = await ingress.sources.find(request.path_params["source"])
    except SourcesUnavailable as error:
        raise unavailable("PostgreSQL") from error
    if source is None or source.channel not in channels:
        raise Problem(NOT_FOUND, "there is no such source")
    return source


def origin_of(source: WebhookSource | Site) -> SourceOrigin:
    """What requests of a source are counted under."""
    channel = source.channel if isinstance(source, WebhookSource) else "web"
    return SourceOrigin(source.tenant, source.source, channel, "")


def unproven_lease(
    request: Request, budget: Budget, peers: Peers, source: WebhookSource | Site | None = None
) -> BudgetLease:
    """The lease for a body that anybody may have sent, perhaps in the name of a source."""
    return budget.lease(*unproven(peers.of(request.scope), source.source if source else None))


def prove(lease: BudgetLease, source: WebhookSource | Site, size: int = 0) -> None:
    """The body is its source's: let it count as such, and with ``size`` for so many bytes.

    Raises a 503 problem where the source has too much in flight.
    """
    try:
        lease.move(*proven(source.tenant, source.source))
        if size > lease.size:
            lease.grow(size - lease.size)
    except BudgetExceeded:
        raise busy() from None


def spend(limits: RateLimits[str], source: WebhookSource | Site) -> None:
    """Count a request, whose sender is proven, towards what its source may send. Raises a 429 problem."""
    try:
        limits.spend(source.source, None if source.rate is None else Allowance.of(source.rate))
    except TooFast as error:
        raise Problem(TOO_FAST, "this source sends too much", headers={"Retry-After": error.retry_after}) from None
