"""What every route of ingress is answered with, and how."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from services.control.auth import Authenticator
from services.control.source_service import SourceService
from services.ingress.core.statements import Receipt
from services.ingress.handlers.limits import Limits
from services.ingress.http.body import busy, read_body, unpacked
from services.ingress.ports import Log, LogFull, LogUnavailable, Sources, Visibility
from services.runtime.budget import Budget, Lease
from services.runtime.database import Engine
from services.runtime.problems import INVALID_REQUEST, Problem, unavailable
from services.runtime.settings import Settings

_LONGEST_KEY: Final = 255


@dataclass(frozen=True, slots=True)
class Ingress:
    """What a request is answered with; ``engine`` is the control schema's."""

    settings: Settings
    authenticator: Authenticator
    sources: Sources
    log: Log
    budget: Budget
    visibility: Visibility
    limits: Limits
    engine: Engine
    source_service: SourceService


def now() -> int:
    """The clock's time, in ms."""
    return time.time_ns() // 1_000_000


def log_problem(error: LogUnavailable) -> Problem:
    """The 503 for what the log could not take."""
    return busy() if isinstance(error, LogFull) else unavailable("Kafka")


async def body_of(request: Request, ingress: Ingress, lease: Lease) -> bytes:
    """A request's body, unpacked. Raises a 400, 408, 413, 415 or 503 problem."""
    limit = ingress.settings.body_limit
    return unpacked(request, await read_body(request, limit, lease), limit, lease)


def idempotency_key(request: Request) -> str | None:
    """What the caller calls this request, so that it can be sent again. Raises a 422 problem."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        raise Problem(INVALID_REQUEST, f"an Idempotency-Key has 1 to {_LONGEST_KEY} characters")
    return key


async def taken(request: Request, ingress: Ingress, tenant: str, stated: Sequence[Receipt], **said: Any) -> Response:
    """The 202 for what the log has; with ``?wait=true`` only once readers see it, or after a while."""
    if request.query_params.get("wait") == "true":
        said["visible"] = await ingress.visibility.wait_until_visible(tenant, stated)
    return Response(orjson.dumps(said), 202, media_type="application/json")
