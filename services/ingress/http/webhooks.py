"""The webhooks of the channels. Each is signed with a secret of the source, over the bytes as received."""

import hmac
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse, Response

from schemas.export import Document
from services.control.source_service import META_CHANNELS
from services.ingress.core.normalize import MalformedBody
from services.ingress.core.signatures import line_signature_matches, meta_signature_matches
from services.ingress.handlers.doctor import SILENT_BODIES
from services.ingress.handlers.webhooks import Translate, line_events, meta_events, take_webhook
from services.ingress.http.admission import origin_of, prove, source_of, spend, unproven_lease
from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, arrived_body, has_arrived, read_body
from services.ingress.http.context import Ingress, Serving, log_problem, now
from services.ingress.ports import LogUnavailable
from services.runtime.api import Answer, Responses, body_of, open_router, path_parameter, problem_responses
from services.runtime.metrics import webhooks_by
from services.runtime.problems import (
    INTERNAL,
    INVALID_REQUEST,
    NOT_FOUND,
    SLOW_BODY,
    TOO_FAST,
    TOO_LARGE,
    UNAVAILABLE,
    Kind,
    Problem,
)
from services.runtime.protocol import WholeAnswer

WRONG_SIGNATURE: Final = Kind("wrong-signature", "The signature does not fit", 401)
WRONG_TOKEN: Final = Kind("wrong-verify-token", "The verify token does not fit", 403)
_JSON: Final = "application/json"
_OK: Final = WholeAnswer(b"{}", _JSON)
_LONGEST_CHALLENGE: Final = 1024
# The challenge goes back as it came, so nothing may take it for a page.
_PLAIN: Final = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"}


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Whoever calls: by which header it is known, for sources of which channels, and how its bodies are read."""

    name: str
    channels: Collection[str]
    header: str
    matches: Callable[[bytes, str | None, Sequence[bytes]], bool]
    events: Translate


LINE: Final = WebhookSender("line", frozenset({"line"}), "x-line-signature", line_signature_matches, line_events)
META: Final = WebhookSender("meta", META_CHANNELS, "x-hub-signature-256", meta_signature_matches, meta_events)


# Hot: their endpoints take the request alone.
webhooks: Final[APIRouter] = open_router("webhooks")
handshakes: Final[APIRouter] = open_router("webhooks")
SOURCE: Final[Document] = path_parameter("source", "The source's name.")
SIGNED: Final[Responses] = problem_responses(
    MALFORMED_BODY, CUT_OFF, WRONG_SIGNATURE, NOT_FOUND, SLOW_BODY, TOO_LARGE, TOO_FAST, INTERNAL, UNAVAILABLE
)


class LineWebhook(BaseModel):
    """A body of LINE's; no event at all is a test of the connection."""

    destination: str = Field(description="The account's own user id.")
    events: list[dict[str, Any]]


class MetaWebhook(BaseModel):
    """A body of Meta's: what happened on one or several of its products."""

    object: str
    entry: list[dict[str, Any]]


class Handshake(BaseModel):
    """What Meta asks once, before it sends anything."""

    mode: str = Field("", alias="hub.mode", description="`subscribe`")
    verify_token: str = Field("", alias="hub.verify_token", description="The source's verify token.")
    challenge: str = Field("", alias="hub.challenge", description="A short text, which is given back.")


class Nothing(Answer):
    """An empty object: everything is in the log."""


@webhooks.post(
    "/webhooks/line/{source}",
    summary="Receive a LINE webhook",
    response_model=Nothing,
    responses=SIGNED,
    openapi_extra=SOURCE | body_of({_JSON: LineWebhook}),
    dependencies=[Depends(APIKeyHeader(name=LINE.header, scheme_name="lineSignature", auto_error=False))],
)
async def post_line_webhook(request: Request) -> Response:
    """For LINE to call. The raw body has to be signed with one of the source's secrets.

    What is in it is in Kafka, with acks=all, before the answer.
    """
    return await _counted(request, LINE)


@webhooks.post(
    "/webhooks/meta/{source}",
    summary="Receive a webhook of Messenger, Instagram or WhatsApp",
    response_model=Nothing,
    responses=SIGNED,
    openapi_extra=SOURCE | body_of({_JSON: MetaWebhook}),
    dependencies=[Depends(APIKeyHeader(name=META.header, scheme_name="metaSignature", auto_error=False))],
)
async def post_meta_webhook(request: Request) -> Response:
    """For Meta to call. The raw body has to be signed with one of the source's app secrets.

    What is in it is in Kafka, with acks=all, before the answer.
    """
    return await _counted(request, META)


@handshakes.get(
    "/webhooks/meta/{source}",
    summary="Answer Meta's first call",
    response_class=PlainTextResponse,
    responses=problem_responses(WRONG_TOKEN, INVALID_REQUEST, NOT_FOUND, INTERNAL, UNAVAILABLE),
)
async def get_meta_handshake(
    request: Request,
    ingress: Serving,
    source: Annotated[str, Path(description="The source's name.")],  # noqa: ARG001 - source_of reads it
    hub: Annotated[Handshake, Query()],
) -> Response:
    """Gives the challenge back to whoever knows the source's verify token."""
    found = await source_of(request, ingress, META.channels)
    if found.verify_token is None or not hmac.compare_digest(
        found.verify_token, hub.verify_token.encode("utf-8", "replace")
    ):
        ingress.activity.unproven(origin_of(found))
        raise Problem(WRONG_TOKEN, "hub.verify_token is not this source's")
    if hub.mode != "subscribe" or not _may_be_echoed(hub.challenge):
        raise Problem(INVALID_REQUEST, "hub.mode is `subscribe`, and hub.challenge a short text")
    return Response(hub.challenge, media_type="text/plain", headers=_PLAIN)


def _may_be_echoed(challenge: str) -> bool:
    return challenge.isascii() and challenge.isprintable() and 0 < len(challenge) <= _LONGEST_CHALLENGE


def _header(request: Request, name: str) -> str | None:
    """A header by its name in lower case, without Starlette's copy of all of them."""
    wanted = name.encode()
    for given, value in request.scope["headers"]:
        if given == wanted:
            return str(value, "latin-1")
    return None


async def _counted(request: Request, sender: WebhookSender) -> Response:
    """A signed webhook; 200 once Kafka has acknowledged everything in it."""
    try:
        response = await _taken(request, request.app.state.ingress, sender)
    except Problem as problem:
        webhooks_by(sender.name, problem.kind.slug).inc()
        raise
    webhooks_by(sender.name, "ok").inc()
    return response


async def _taken(request: Request, ingress: Ingress, sender: WebhookSender) -> Response:
    source = await source_of(request, ingress, sender.channels)
    origin, activity = origin_of(source), ingress.activity
    limit, arrived, budget = ingress.settings.body_limit, has_arrived(request), ingress.budget
    # A body that has arrived is proven, or refused, before anything is waited for.
    with budget.lease() if arrived else unproven_lease(request, budget, ingress.peers, source) as lease:
        raw = await (arrived_body(request, limit) if arrived else read_body(request, limit, lease))
        from_doctor = raw in SILENT_BODIES  # which says nothing about the channel
        if not sender.matches(raw, _header(request, sender.header), source.secrets):
            if not from_doctor:
                activity.unproven(origin)
            raise Problem(WRONG_SIGNATURE, f"{sender.header} is not this body's by this source's secret")
        prove(lease, source, len(raw))
        try:
            spend(ingress.limits, source)
            await take_webhook(raw.removeprefix(BOM_UTF8), source, now(), ingress.log, sender.events)
        except LogUnavailable as error:
            raise log_problem(error) from error
        except (MalformedBody, Problem) as error:
            activity.refused(origin)
            raise Problem(MALFORMED_BODY, str(error)) if isinstance(error, MalformedBody) else error from None
    if not from_doctor:
        activity.accepted(origin)
    return _OK
