"""Meta's callback for a person who wants their data deleted, and the page on which the person reads what became of it.

The callback's answer promises that the request is kept: in the control plane, where staff find whom it is about, and
in the log, where it is an event. Erasing is another matter, which staff begin once they know which contacts it means.
"""

import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request
from starlette.responses import Response

from schemas.events.tenant import DeletionRequest, TenantDeletionRequested
from services.control.deletions import CODE_LENGTH, add_deletion, deletion_ids, find_deletion
from services.ingress.core.deletion import Asker, asker_in, status_page
from services.ingress.core.signatures import signed_request
from services.ingress.handlers.webhooks import take_event
from services.ingress.http.admission import source_of, spend
from services.ingress.http.body import MALFORMED_BODY, read_body
from services.ingress.http.context import Ingress, log_problem, now
from services.ingress.http.webhooks import META, WRONG_SIGNATURE
from services.ingress.ports import LogUnavailable, WebhookSource
from services.runtime.database import is_transient
from services.runtime.http import RawRoute
from services.runtime.metrics import INGRESS_WEBHOOKS
from services.runtime.problems import INVALID_REQUEST, NOT_FOUND, Problem, unavailable

_DOOR: Final = "meta-deletion"
_LARGEST: Final = 32_768
_MOST_FIELDS: Final = 20
_CODE: Final = re.compile(rf"[0-9a-f]{{{CODE_LENGTH}}}")
_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # its address is all that protects it
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def deletion_routes() -> list[RawRoute]:
    """The routes; the app keeps its ``Ingress`` in its state."""
    return [
        RawRoute("/webhooks/meta/{source}/deletion", post_deletion, methods=["POST"]),
        RawRoute("/webhooks/meta/{source}/deletion/{code}", get_deletion, methods=["GET"]),
    ]


async def post_deletion(request: Request) -> Response:
    """A person's request, signed by Meta; 200 once it is kept. Sent again, it is the same request."""
    ingress: Ingress = request.app.state.ingress
    try:
        response = await _taken(request, ingress)
    except Problem as problem:
        INGRESS_WEBHOOKS.labels(_DOOR, problem.kind.slug).inc()
        raise
    INGRESS_WEBHOOKS.labels(_DOOR, "ok").inc()
    return response


async def get_deletion(request: Request) -> Response:
    """What became of a request, for whoever has its code."""
    ingress: Ingress = request.app.state.ingress
    code = str(request.path_params["code"])
    found = None
    if _CODE.fullmatch(code):
        try:
            found = await find_deletion(ingress.engine, code)
        except Exception as error:
            if is_transient(error):
                raise unavailable("PostgreSQL") from error
            raise
    if found is None or found.source != request.path_params["source"]:
        raise Problem(NOT_FOUND, "there is no such request")
    page = status_page(code, found.state, found.reason)
    return Response(page, media_type="text/html", headers=_PAGE_HEADERS)


async def _taken(request: Request, ingress: Ingress) -> Response:
    source = await source_of(request, ingress, META.channels)
    with ingress.budget.lease() as lease:
        raw = await read_body(request, min(_LARGEST, ingress.settings.body_limit), lease)
    said = signed_request(_field(raw, "signed_request"), source.secrets)
    if said is None:
        raise Problem(WRONG_SIGNATURE, "signed_request is not signed by this source's secret")
    spend(ingress.limits, source)
    asker = asker_in(said, now())
    if asker is None:
        raise Problem(INVALID_REQUEST, "signed_request has no user_id")
    code = await _kept(ingress, source, asker)
    url = f"{_base(request, ingress)}/webhooks/meta/{source.source}/deletion/{code}"
    return Response(orjson.dumps({"url": url, "confirmation_code": code}), media_type="application/json")


def _field(raw: bytes, name: str) -> str:
    try:
        fields = parse_qs(raw.decode("ascii", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem(MALFORMED_BODY, "too many fields") from None
    return fields.get(name, [""])[0]


async def _kept(ingress: Ingress, source: WebhookSource, asker: Asker) -> str:
    """The request's code, once both the control plane and the log have it; what fails half-way is sent again."""
    ids = deletion_ids(
        ingress.settings.master_key,
        tenant=source.tenant,
        source=source.source,
        subject=asker.subject,
        issued_at=asker.issued_at,
    )
    try:
        await add_deletion(
            ingress.engine,
            ingress.settings.master_key,
            ids.code,
            tenant=source.tenant,
            source=source.source,
            channel=source.channel,
            subject=asker.subject,
            requested_at=datetime.fromtimestamp(asker.occurred_at / 1000, UTC),
        )
        await take_event(_event(source, ids.code, ids.subject, asker), _DOOR, ingress.log)
    except LogUnavailable as error:
        raise log_problem(error) from error
    except Exception as error:
        if is_transient(error):
            raise unavailable("PostgreSQL") from error
        raise
    return ids.code


def _event(source: WebhookSource, code: str, subject: str, asker: Asker) -> TenantDeletionRequested:
    facts = {"request_id": code, "source": source.source, "channel": source.channel, "subject": subject}
    return TenantDeletionRequested(
        event_id=f"deletion:{code}",
        tenant=source.tenant,
        type="tenant.deletion_requested",
        occurred_at=asker.occurred_at,
        received_at=now(),
        source=source.source,
        data=DeletionRequest.model_validate(facts),
    )


def _base(request: Request, ingress: Ingress) -> str:
    """The service's address for people: as set, else as Meta called it, which is by https alone."""
    if ingress.settings.public_url:
        return ingress.settings.public_url.rstrip("/")
    host = request.headers.get("host", "")
    return f"https://{host if _HOST.fullmatch(host) else 'localhost'}"
