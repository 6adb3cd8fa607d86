"""The webhooks of the channels. Each is signed by a secret of the source in its path, over the bytes as they came."""

import hmac
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from services.control.source_service import META_CHANNELS
from services.ingress.core.normalize import MalformedBody
from services.ingress.core.signatures import line_signature_matches, meta_signature_matches
from services.ingress.core.translated import Translated
from services.ingress.handlers.webhooks import line_events, meta_events, take_webhook
from services.ingress.http.admission import source_of, spend
from services.ingress.http.body import MALFORMED_BODY, read_body
from services.ingress.http.context import Ingress, log_problem, now
from services.ingress.ports import LogUnavailable, WebhookSource
from services.runtime.http import RawRoute
from services.runtime.metrics import INGRESS_WEBHOOKS
from services.runtime.problems import INVALID_REQUEST, Kind, Problem

WRONG_SIGNATURE: Final = Kind("wrong-signature", "The signature does not fit", 401)
WRONG_TOKEN: Final = Kind("wrong-verify-token", "The verify token does not fit", 403)
_JSON: Final = "application/json"
_OK: Final = b"{}"
_LONGEST_CHALLENGE: Final = 1024
# The challenge goes back as it came, so nothing may take it for a page.
_PLAIN: Final = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"}


@dataclass(frozen=True, slots=True)
class Sender:
    """Whoever calls: by which header it is known, for sources of which channels, and how its bodies are read."""

    name: str
    channels: Collection[str]
    header: str
    matches: Callable[[bytes, str | None, Sequence[bytes]], bool]
    events: Callable[[Any, WebhookSource, int], Translated]


LINE: Final = Sender("line", frozenset({"line"}), "x-line-signature", line_signature_matches, line_events)
META: Final = Sender("meta", META_CHANNELS, "x-hub-signature-256", meta_signature_matches, meta_events)


def webhook_routes() -> list[RawRoute]:
    """The routes of the webhooks themselves; the app keeps its ``Ingress`` in its state."""
    return [_route("/webhooks/line/{source}", LINE), _route("/webhooks/meta/{source}", META)]


def handshake_routes() -> list[RawRoute]:
    """The route that Meta asks once, before it sends anything."""
    return [RawRoute("/webhooks/meta/{source}", get_meta_handshake, methods=["GET"])]


async def get_meta_handshake(request: Request) -> Response:
    """Meta's challenge, given back to whoever says the source's verify token."""
    ingress: Ingress = request.app.state.ingress
    source = await source_of(request, ingress, META.channels)
    given = request.query_params.get("hub.verify_token", "").encode("utf-8", "replace")
    if source.verify_token is None or not hmac.compare_digest(source.verify_token, given):
        raise Problem(WRONG_TOKEN, "hub.verify_token is not this source's")
    challenge = request.query_params.get("hub.challenge", "")
    if request.query_params.get("hub.mode") != "subscribe" or not _may_be_echoed(challenge):
        raise Problem(INVALID_REQUEST, "hub.mode is `subscribe`, and hub.challenge a short text")
    return Response(challenge, media_type="text/plain", headers=_PLAIN)


def _may_be_echoed(challenge: str) -> bool:
    return challenge.isascii() and challenge.isprintable() and 0 < len(challenge) <= _LONGEST_CHALLENGE


def _route(path: str, sender: Sender) -> RawRoute:
    async def post_webhook(request: Request) -> Response:
        """A signed webhook; 200 once Kafka has acknowledged everything in it."""
        try:
            response = await _taken(request, request.app.state.ingress, sender)
        except Problem as problem:
            INGRESS_WEBHOOKS.labels(sender.name, problem.kind.slug).inc()
            raise
        INGRESS_WEBHOOKS.labels(sender.name, "ok").inc()
        return response

    return RawRoute(path, post_webhook, methods=["POST"])


async def _taken(request: Request, ingress: Ingress, sender: Sender) -> Response:
    source = await source_of(request, ingress, sender.channels)
    with ingress.budget.lease() as lease:
        raw = await read_body(request, ingress.settings.body_limit, lease)
        if not sender.matches(raw, request.headers.get(sender.header), source.secrets):
            raise Problem(WRONG_SIGNATURE, f"{sender.header} is not this body's by this source's secret")
        spend(ingress.limits, source)
        try:
            await take_webhook(raw, source, now(), ingress.log, sender.events)
        except MalformedBody as error:
            raise Problem(MALFORMED_BODY, str(error)) from None
        except LogUnavailable as error:
            raise log_problem(error) from error
    return Response(_OK, media_type=_JSON)
