"""``POST /v1/campaigns/{campaign}/messages``: one campaign to a list of contacts, however long, as one request."""

from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from services.ingress.core.campaigns import Send
from services.ingress.core.contact_lists import FORMS, Form, NoColumns
from services.ingress.core.events import Rejected, RequestContext
from services.ingress.core.statements import Refused
from services.ingress.handlers.campaigns import MOST_REFUSED, Campaign
from services.ingress.http.body import MALFORMED_BODY, busy, stream_body
from services.ingress.http.context import Ingress, idempotency_key, log_problem, now
from services.ingress.ports import LogUnavailable
from services.runtime.budget import BudgetExceeded
from services.runtime.http import EncodedRawRoute, RawRoute
from services.runtime.problems import Kind, Problem

NO_CAMPAIGN: Final = Kind("no-campaign", "This is no message to anybody", 422)
NO_ACCEPTABLE_LINE: Final = Kind("no-acceptable-line", "None of the lines is acceptable", 422)
UNSUPPORTED_LIST: Final = Kind("unsupported-list", "This form of list is not understood", 415)
PATH: Final = "/v1/campaigns/{campaign}/messages"
# What a list of any length needs of this process's memory: a piece of it unpacked, a line, and a slice of events.
_ROOM: Final = 2_097_152
_LONGEST_NUMBER: Final = 20


def campaign_routes() -> list[RawRoute]:
    """The route of campaigns."""
    return [EncodedRawRoute(PATH.replace("{campaign}", "{campaign:path}"), post_campaign, methods=["POST"])]


async def post_campaign(request: Request) -> Response:
    """A campaign's messages; 202 once Kafka has acknowledged them all."""
    ingress: Ingress = request.app.state.ingress
    principal = await ingress.authenticator.principal(request.headers.get("authorization"), "events:write")
    context = RequestContext(principal.tenant, now(), may_set_tenant=False)
    campaign = Campaign(_send(request), _form(request), context, ingress.log)
    with ingress.budget.lease() as lease:
        try:
            lease.grow(_ROOM)
            await _take(request, campaign, ingress.settings.campaign_body_limit)
        except BudgetExceeded:
            raise busy() from None
    if campaign.accepted:
        return Response(orjson.dumps(_counts(campaign)), 202, media_type="application/json")
    raise Problem(NO_ACCEPTABLE_LINE, **_counts(campaign))


async def _take(request: Request, campaign: Campaign, limit: int) -> None:
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


def _counts(campaign: Campaign) -> dict[str, Any]:
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
        asked.get("send_id", idempotency_key(request)),
        int(sent_at) if sent_at and sent_at.isdecimal() and len(sent_at) <= _LONGEST_NUMBER else sent_at,
    )


def _form(request: Request) -> Form:
    form = FORMS.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
    if form is None:
        raise Problem(UNSUPPORTED_LIST, f"send the list as one of {', '.join(FORMS)}")
    return form
