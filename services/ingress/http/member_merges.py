"""``/v1/members/{member_id}/merge`` and ``/v1/members/merges``: which member ids became others."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field, NonNegativeInt
from starlette.responses import Response

from schemas.codec import InvalidEvent
from services.ingress.core.events import Rejected, RequestContext, parse
from services.ingress.core.list_lines import TABLES, Form
from services.ingress.core.member_merges import MergeRequest, MergeTerms
from services.ingress.core.statements import Receipt
from services.ingress.handlers.list_import import MOST_REFUSED
from services.ingress.handlers.member_merges import MergeImport, take_merge, take_undo
from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, UNSUPPORTED_ENCODING
from services.ingress.http.context import (
    COMMAND_PROBLEMS,
    Body,
    EventWriter,
    Held,
    IdempotencyKey,
    Ingress,
    ListWriter,
    Serving,
    Wait,
    context_of,
    now,
    visible,
)
from services.ingress.http.identity import EventReceipt, refused
from services.ingress.http.lists import (
    NO_ACCEPTABLE_LINE,
    UNSUPPORTED_LIST,
    RefusedLine,
    counts_of,
    described_bodies,
    form_of,
    idempotency_key,
    take_list,
)
from services.runtime.api import (
    COMMON_PROBLEMS,
    Answer,
    ProblemDocument,
    body_of,
    keyed_router,
    problem_responses,
)
from services.runtime.budget import BudgetLease
from services.runtime.problems import INVALID_REQUEST, SLOW_BODY, TOO_LARGE, UNAVAILABLE, Kind, Problem

NO_MERGE: Final = Kind("no-merge", "This is no merge of two members", 422)
MemberId = Annotated[str, Path(description="Percent-encoded: a slash is `%2F`.", examples=["M7"])]
_TRUE: Final = frozenset({"true", "1"})

router: Final[APIRouter] = keyed_router("/v1/members", "members")


class MergesResult(Answer):
    """How many merges the log has, and the first of the lines that are none; ``visible`` is for whoever waited."""

    accepted: NonNegativeInt
    rejected: NonNegativeInt
    refused: Annotated[list[RefusedLine], Field(max_length=MOST_REFUSED)]
    refused_left_off: NonNegativeInt
    visible: bool | None = None


class MergesProblem(ProblemDocument):
    """The problem with a list, or with a part of it: ``accepted`` merges are in the log all the same."""

    accepted: NonNegativeInt | None = None
    rejected: NonNegativeInt | None = None
    refused: list[RefusedLine] | None = None
    refused_left_off: NonNegativeInt | None = None


@router.post(
    "/{member_id:path}/merge",
    summary="Say that a member id became another",
    status_code=202,
    response_model=EventReceipt,
    responses=COMMAND_PROBLEMS | problem_responses(NO_MERGE, INVALID_REQUEST),
    openapi_extra=body_of({"application/json": MergeRequest}),
)
async def post_member_merge(
    ingress: Serving,
    principal: EventWriter,
    member_id: MemberId,
    lease: Held,
    body: Body,
    *,
    key: IdempotencyKey = None,
    wait: Wait = False,
) -> Response:
    """An event of now: from then on the member id is read as `into`, wherever it was or will be stated.

    Merges chain: where `into` became another id itself, that one counts. Of one member id the latest merge counts, and
    `DELETE` takes it back. `422` says which side is no member id or is blocked. `202` means that Kafka, with acks=all,
    has it.
    """
    context, terms = context_of(principal), await _terms(ingress, principal.tenant, key)
    outcome = await take_merge(member_id, _json(body), context, terms, ingress.log)
    return await _answer(ingress, lease, principal.tenant, outcome, wait=wait)


@router.delete(
    "/{member_id:path}/merge",
    summary="Take back that a member id became another",
    status_code=202,
    response_model=EventReceipt,
    responses=COMMAND_PROBLEMS | problem_responses(NO_MERGE, INVALID_REQUEST),
)
async def delete_member_merge(
    ingress: Serving,
    principal: EventWriter,
    member_id: MemberId,
    lease: Held,
    *,
    by: Annotated[str | None, Query(min_length=1, max_length=255, description="Who says so.")] = None,
    key: IdempotencyKey = None,
    wait: Wait = False,
) -> Response:
    """An event of now: from then on the member id is read as itself again; without a merge, nothing changes."""
    context, terms = context_of(principal), await _terms(ingress, principal.tenant, key)
    outcome = await take_undo(member_id, by, context, terms, ingress.log)
    return await _answer(ingress, lease, principal.tenant, outcome, wait=wait)


_LISTS: Final[dict[Form, str]] = {
    "ndjson": "One merge a line: an object of `member_id`, `into` and perhaps `by`. `into` null takes a merge back.",
    "csv": "UTF-8; the first line names the columns: `member_id`, `into` and perhaps `by`.",
}
_PARAMETERS: Final = [
    {"name": "wait", "in": "query", "schema": {"type": "boolean", "default": False}},
    {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}},
]


@router.post(
    "/merges",
    summary="Say of many member ids which ones they became",
    status_code=202,
    response_model=MergesResult,
    responses=COMMON_PROBLEMS
    | problem_responses(
        MALFORMED_BODY, CUT_OFF, SLOW_BODY, TOO_LARGE, UNSUPPORTED_ENCODING, UNSUPPORTED_LIST, shape=MergesProblem
    )
    | problem_responses(NO_MERGE, NO_ACCEPTABLE_LINE, INVALID_REQUEST, UNAVAILABLE, shape=MergesProblem),
    openapi_extra={"parameters": _PARAMETERS} | described_bodies(TABLES, _LISTS),
)
async def post_member_merges(request: Request, ingress: Serving, principal: ListWriter) -> Response:
    """A list of any length, streamed: each line is as `POST /v1/members/{member_id}/merge`, validated alone.

    Where a member id comes twice, its last line counts. `202` means that Kafka has acknowledged every accepted line; on
    `503`, which says in `accepted` how many the log has already, send the same again, best with an `Idempotency-Key`.
    """
    context = RequestContext(principal.tenant, now(), may_set_tenant=False)
    terms = await _terms(ingress, principal.tenant, idempotency_key(request))
    merges = MergeImport(form_of(request, TABLES), context, terms, ingress.log)
    counts = await take_list(request, ingress, principal.tenant, merges, NO_MERGE, counts=lambda: counts_of(merges))
    if request.query_params.get("wait", "").lower() in _TRUE:
        receipts = list(merges.receipts)
        counts["visible"] = await ingress.visibility.wait_until_visible(principal.tenant, receipts)
    return Response(orjson.dumps(counts), 202, media_type="application/json")


async def _terms(ingress: Ingress, tenant: str, key: str | None) -> MergeTerms:
    return MergeTerms(key, await ingress.identity.policy(tenant))


def _json(raw: bytes) -> Any:
    try:
        return parse(raw)
    except InvalidEvent as error:
        raise Problem(MALFORMED_BODY, error.detail) from None


async def _answer(
    ingress: Ingress, lease: BudgetLease, tenant: str, outcome: Receipt | Rejected, *, wait: bool
) -> Response:
    if isinstance(outcome, Rejected):
        raise refused(outcome, NO_MERGE)
    seen = await visible(ingress, lease, tenant, [outcome], wait=wait)
    (event_id,) = outcome.event_ids
    return EventReceipt(event_id=event_id, visible=seen).response(202)
