"""``POST /v1/campaigns/{campaign}/messages``: one campaign to a list of contacts of any length, in one request."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, NonNegativeInt
from starlette.responses import Response

from schemas.events.conversation import Purpose
from schemas.export import Document
from services.ingress.core.campaigns import Send
from services.ingress.core.contact_lists import FORMS, Form, NoColumns
from services.ingress.core.events import Rejected, RequestContext
from services.ingress.core.requests import Refused
from services.ingress.handlers.campaigns import MOST_REFUSED, CampaignImport
from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, SLOW_BODY, UNSUPPORTED_ENCODING, busy, stream_body
from services.ingress.http.context import Ingress, log_problem, now
from services.ingress.ports import LogUnavailable
from services.runtime.api import (
    COMMON_PROBLEMS,
    Answer,
    ProblemDocument,
    body_of,
    keyed_router,
    path_parameter,
    problem_responses,
    schema_of,
)
from services.runtime.budget import BudgetExceeded
from services.runtime.problems import INVALID_REQUEST, TOO_LARGE, UNAVAILABLE, Kind, Problem

NO_CAMPAIGN: Final = Kind("no-campaign", "This is no message to anybody", 422)
NO_ACCEPTABLE_LINE: Final = Kind("no-acceptable-line", "None of the lines is acceptable", 422)
UNSUPPORTED_LIST: Final = Kind("unsupported-list", "This form of list is not understood", 415)
# What a list of any length needs of this process's memory: a piece of it unpacked, a line, and a slice of events.
_ROOM: Final = 2_097_152
_LONGEST_NUMBER: Final = 20
_LONGEST_KEY: Final = 255


router: Final[APIRouter] = keyed_router("/v1/campaigns", "ingress")


class RefusedLine(Answer):
    """A line that is no message."""

    line: NonNegativeInt
    reason: str
    detail: str
    field: str | None = None


class CampaignResult(Answer):
    """How many messages the log has, and the first of the lines that are no message."""

    send_id: str
    accepted: NonNegativeInt
    rejected: NonNegativeInt
    refused: Annotated[list[RefusedLine], Field(max_length=MOST_REFUSED)]
    refused_left_off: NonNegativeInt


class CampaignProblem(ProblemDocument):
    """The problem with a list, or with a part of it: ``accepted`` messages are in the log all the same."""

    send_id: str | None = None
    accepted: NonNegativeInt | None = None
    rejected: NonNegativeInt | None = None
    refused: list[RefusedLine] | None = None
    refused_left_off: NonNegativeInt | None = None


class CampaignTerms(BaseModel):
    """What the query may say of all messages, and so may the first line of a list, if it names no contact."""

    purpose: Purpose = Field("broadcast", description="What the message is for.")
    agent: str | None = Field(None, description="Who sent it.")
    text: str | None = Field(None, description="What it says, where a line says nothing else.")
    send_id: str | None = Field(
        None, description="Your own name of this send; left out: the Idempotency-Key, or else the campaign's name."
    )
    sent_at: int | None = Field(None, description="When, in ms since 1970, UTC; left out: now.")


def _described() -> Document:
    query = schema_of(CampaignTerms)["$defs"]["CampaignTerms"]["properties"]
    parameters = [{"name": name, "in": "query", "schema": schema} for name, schema in query.items()]
    parameters += path_parameter("campaign", "The campaign's name, percent-encoded: a slash is `%2F`.")["parameters"]
    parameters.append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}})
    bodies = {kind: {"type": "string", "description": _LISTS[form]} for kind, form in FORMS.items()}
    return {"parameters": parameters} | body_of(bodies)


_LISTS: Final[dict[Form, str]] = {
    "ndjson": "One contact a line: its key as a string, or an object of `contact` (or `channel`, `account`, `uid`), "
    "`text`, `message_id`. A first line that names no contact may say what the query can.",
    "csv": "UTF-8; the first line names the columns: `contact`, or `channel`, `account` and `uid`; `text`, "
    "`message_id`.",
    "text": "One contact key a line.",
}


@router.post(
    "/{campaign:path}/messages",
    summary="Record that a campaign was sent to many contacts",
    status_code=202,
    response_model=CampaignResult,
    responses=COMMON_PROBLEMS
    | problem_responses(
        MALFORMED_BODY, CUT_OFF, SLOW_BODY, TOO_LARGE, UNSUPPORTED_ENCODING, UNSUPPORTED_LIST, shape=CampaignProblem
    )
    | problem_responses(NO_CAMPAIGN, NO_ACCEPTABLE_LINE, INVALID_REQUEST, UNAVAILABLE, shape=CampaignProblem),
    openapi_extra=_described(),
)
async def post_campaign_messages(request: Request) -> Response:
    """A list of any length, streamed: each line is a `team.message_sent` of its contact, validated alone.

    A send writes to a contact once, so on `503`, which tells in `accepted` how many the log has already, send the same
    again. `202` means that Kafka has acknowledged every accepted message.
    """
    ingress: Ingress = request.app.state.ingress
    principal = await ingress.authenticator.principal(request.headers.get("authorization"), "events:write")
    context = RequestContext(principal.tenant, now(), may_set_tenant=False)
    campaign = CampaignImport(_send(request), _form(request), context, ingress.log)
    with ingress.budget.lease() as lease:
        try:
            lease.grow(_ROOM)
            await _take(request, campaign, ingress.settings.campaign_body_limit)
        except BudgetExceeded:
            raise busy() from None
    if campaign.accepted:
        return Response(orjson.dumps(_counts(campaign)), 202, media_type="application/json")
    raise Problem(NO_ACCEPTABLE_LINE, **_counts(campaign))


async def _take(request: Request, campaign: CampaignImport, limit: int) -> None:
    """Take the whole body. A problem on the way tells how many messages are in the log already."""
    try:
        async for piece in stream_body(request, limit):
            await campaign.take(piece)
        if not await campaign.finish():
            raise Problem(MALFORMED_BODY, "the list is empty", reason="empty")  # noqa: TRY301 - told as every other
    except Refused as refusal:
        field: dict[str, Any] = {"field": refusal.field} if refusal.field else {}
        raise Problem(NO_CAMPAIGN, refusal.detail, reason=refusal.reason, **field) from None
    except NoColumns as error:
        raise Problem(NO_CAMPAIGN, str(error), reason="no_columns") from None
    except LogUnavailable as error:
        problem = log_problem(error)
        problem.fields.update(_counts(campaign))
        raise problem from error
    except Problem as problem:
        problem.fields.update(_counts(campaign))
        raise


def _counts(campaign: CampaignImport) -> dict[str, Any]:
    refusals = campaign.refusals
    return {
        "send_id": campaign.send.named,
        "accepted": campaign.accepted,
        "rejected": refusals.count,
        "refused": [_refused(one) for one in refusals.first],
        "refused_left_off": max(0, refusals.count - MOST_REFUSED),
    }


def _refused(outcome: Rejected) -> dict[str, Any]:
    field: dict[str, Any] = {"field": outcome.field} if outcome.field else {}
    return {"line": outcome.index, "reason": outcome.reason, "detail": outcome.detail, **field}


def _send(request: Request) -> Send:
    asked = request.query_params
    sent_at = asked.get("sent_at")
    return Send(
        request.path_params["campaign"],
        asked.get("purpose", "broadcast"),
        asked.get("agent"),
        asked.get("text"),
        asked.get("send_id", _idempotency_key(request)),
        int(sent_at) if sent_at and sent_at.isdecimal() and len(sent_at) <= _LONGEST_NUMBER else sent_at,
    )


def _form(request: Request) -> Form:
    form = FORMS.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
    if form is None:
        raise Problem(UNSUPPORTED_LIST, f"send the list as one of {', '.join(FORMS)}")
    return form


def _idempotency_key(request: Request) -> str | None:
    """The caller's name of this request. Raises a 422 problem."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        raise Problem(INVALID_REQUEST, f"an Idempotency-Key has 1 to {_LONGEST_KEY} characters")
    return key
