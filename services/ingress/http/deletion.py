"""Meta's data deletion callback, and the page on which the person sees the state of the request.

Before the callback is answered, the request is stored in the control plane and as an event in the log. If it is known
for certain whose contacts the person's data are, a worker begins to erase them, and closes the request in the end. Else
the request waits until staff have found the person.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import HTMLResponse, Response

from schemas.events.tenant import DeletionRequest, TenantDeletionRequested
from services.control.deletions import CODE_LENGTH, add_deletion, deletion_ids, find_deletion
from services.control.erasures import add_erasure, has_erasure
from services.control.errors import TooManyJobs, UnknownDeletion
from services.ingress.core.deletion import Asker, asker_in, status_page
from services.ingress.core.signatures import signed_request
from services.ingress.handlers.events import take_event
from services.ingress.http.admission import origin_of, source_of, spend, unproven_lease
from services.ingress.http.body import MALFORMED_BODY, read_body
from services.ingress.http.context import Ingress, Serving, log_problem, now
from services.ingress.http.webhooks import META, SIGNED, SOURCE, WRONG_SIGNATURE
from services.ingress.ports import LogUnavailable, WebhookSource
from services.runtime.api import Answer, body_of, open_router, problem_responses
from services.runtime.database import is_transient
from services.runtime.metrics import webhooks_by
from services.runtime.problems import INTERNAL, INVALID_REQUEST, NOT_FOUND, UNAVAILABLE, Problem, unavailable

_ROUTE: Final = "meta-deletion"
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


router: Final[APIRouter] = open_router("webhooks")


class DeletionAnswer(Answer):
    """What Meta shows the person: where to read what became of the request, and its code."""

    url: str
    confirmation_code: str


class DeletionForm(BaseModel):
    """What Meta sends."""

    signed_request: str


@router.post(
    "/webhooks/meta/{source}/deletion",
    summary="Take a person's request to have their data deleted",
    response_model=DeletionAnswer,
    responses=SIGNED | problem_responses(INVALID_REQUEST),
    openapi_extra=SOURCE | body_of({"application/x-www-form-urlencoded": DeletionForm}),
)
async def post_meta_deletion(request: Request, ingress: Serving) -> Response:
    """For Meta to call. Whose id the brand has stated is erased; else the request waits for staff.

    Sent again, it is the same request.
    """
    try:
        response = await _taken(request, ingress)
    except Problem as problem:
        webhooks_by(_ROUTE, problem.kind.slug).inc()
        raise
    webhooks_by(_ROUTE, "ok").inc()
    return response


@router.get(
    "/webhooks/meta/{source}/deletion/{code}",
    summary="What became of a person's request",
    response_class=HTMLResponse,
    responses=problem_responses(NOT_FOUND, INVALID_REQUEST, INTERNAL, UNAVAILABLE),
)
async def get_meta_deletion(ingress: Serving, source: str, code: str) -> Response:
    """A page for people, which shows nothing of the person."""
    found = None
    if _CODE.fullmatch(code):
        try:
            found = await find_deletion(ingress.engine, code)
        except Exception as error:
            if is_transient(error):
                raise unavailable("PostgreSQL") from error
            raise
    if found is None or found.source != source:
        raise Problem(NOT_FOUND, "there is no such request")
    page = status_page(code, found.state, found.reason)
    return Response(page, media_type="text/html", headers=_PAGE_HEADERS)


async def _taken(request: Request, ingress: Ingress) -> Response:
    source = await source_of(request, ingress, META.channels)
    with unproven_lease(request, ingress.budget, ingress.peers, source) as lease:
        raw = await read_body(request, min(_LARGEST, ingress.settings.body_limit), lease)
    signed = signed_request(_field(raw, "signed_request"), source.secrets)
    if signed is None:
        ingress.activity.unproven(origin_of(source))
        raise Problem(WRONG_SIGNATURE, "signed_request is not signed by this source's secret")
    spend(ingress.limits, source)
    asker = asker_in(signed, now())
    if asker is None:
        raise Problem(INVALID_REQUEST, "signed_request has no user_id")
    code = await _kept(ingress, source, asker)
    url = f"{_base(request, ingress)}/webhooks/meta/{source.source}/deletion/{code}"
    return DeletionAnswer(url=url, confirmation_code=code).response()


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
        await take_event(_event(source, ids.code, ids.subject, asker), _ROUTE, ingress.log)
        await _erase(ingress, source, ids.code, asker)
    except LogUnavailable as error:
        raise log_problem(error) from error
    except Exception as error:
        if is_transient(error):
            raise unavailable("PostgreSQL") from error
        raise
    return ids.code


async def _erase(ingress: Ingress, source: WebhookSource, code: str, asker: Asker) -> None:
    """Have the person's contacts erased, if they are known; once, also where the request is sent again."""
    contacts = await ingress.app_users.app_user_contacts(source.tenant, asker.subject)
    if not contacts or await has_erasure(ingress.engine, code):
        return
    master, by = ingress.settings.master_key, f"{source.source} (deletion callback)"
    with suppress(UnknownDeletion, TooManyJobs):  # it was closed meanwhile; staff find it among the open ones
        await add_erasure(ingress.engine, master, source.tenant, contacts, requested_by=by, deletion=code)


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
