"""``POST /v1/campaigns/{campaign}/messages``: one campaign to a list of contacts of any length, in one request."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, NonNegativeInt
from starlette.responses import Response

from schemas.events.conversation import Purpose
from schemas.export import Document
from services.ingress.core.campaigns import Send
from services.ingress.core.events import RequestContext
from services.ingress.core.list_lines import FORMS, Form
from services.ingress.core.stated_values import unread
from services.ingress.handlers.campaigns import CampaignImport
from services.ingress.handlers.list_import import MOST_REFUSED
from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, UNSUPPORTED_ENCODING
from services.ingress.http.context import ListWriter, Serving, now
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
from services.ingress.http.warnings import WarningAnswer, warning_fields
from services.runtime.api import (
    COMMON_PROBLEMS,
    ProblemDocument,
    keyed_router,
    path_parameter,
    problem_responses,
    schema_of,
)
from services.runtime.problems import INVALID_REQUEST, SLOW_BODY, TOO_LARGE, UNAVAILABLE, Kind

NO_CAMPAIGN: Final = Kind("no-campaign", "This is no message to anybody", 422)


router: Final[APIRouter] = keyed_router("/v1/campaigns", "ingress")


class CampaignResult(WarningAnswer):
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
    sent_at: int | float | str | None = Field(
        None,
        description="When: a time since 1970, or of ISO 8601, UTC; left out: now.",
        examples=["2026-03-01T10:11:12Z"],
    )


def _described() -> Document:
    query = schema_of(CampaignTerms)["$defs"]["CampaignTerms"]["properties"]
    parameters = [{"name": name, "in": "query", "schema": schema} for name, schema in query.items()]
    parameters += path_parameter("campaign", "The campaign's name, percent-encoded: a slash is `%2F`.")["parameters"]
    parameters.append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}})
    return {"parameters": parameters} | described_bodies(FORMS, _LISTS)


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
async def post_campaign_messages(request: Request, ingress: Serving, principal: ListWriter) -> Response:
    """A list of any length, streamed: each line is a `team.message_sent` of its contact, validated alone.

    A send writes to a contact once, or once for each `message_id`, so on `503`, which tells in `accepted` how many the
    log has already, send the same again. `202` means that Kafka has acknowledged every accepted message.
    """
    context = RequestContext(principal.tenant, now(), may_set_tenant=False)
    campaign = CampaignImport(_send(request), form_of(request, FORMS), context, ingress.log)

    def counts() -> dict[str, Any]:
        return {"send_id": campaign.send.named, **counts_of(campaign)}

    taken = await take_list(request, ingress, principal.tenant, campaign, NO_CAMPAIGN, counts=counts)
    noticed = [unread(None, name, value) for name, value in campaign.send.unread.items()]
    warnings = await warning_fields(ingress.identity, principal.tenant, (), noticed)
    return Response(orjson.dumps(taken | warnings), 202, media_type="application/json")


def _send(request: Request) -> Send:
    asked = request.query_params
    return Send(
        request.path_params["campaign"],
        asked.get("purpose", "broadcast"),
        asked.get("agent"),
        asked.get("text"),
        asked.get("send_id", idempotency_key(request)),
        asked.get("sent_at"),
    )
