"""Segment's HTTP API, for the SDKs that speak it: on servers with basic auth, in browsers with the key in the body.

A stock browser SDK whose ``cdnURL`` is this service asks for its settings here, and is told to send its messages here.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from services.ingress.core.normalize import MalformedBody, lenient_json
from services.ingress.core.segment import (
    BATCHES,
    CALLS,
    MAX_BATCH_BYTES,
    MAX_MESSAGES,
    TooManyMessages,
    segment_batch,
    write_key_in,
)
from services.ingress.core.translated import Ignored
from services.ingress.core.web import MAX_MESSAGE_BYTES, Site
from services.ingress.handlers.daily_dedup import DailyDedup
from services.ingress.handlers.limits import Limits
from services.ingress.handlers.segment import take_messages
from services.ingress.http.admission import spend
from services.ingress.http.body import MALFORMED_BODY, read_body, unpacked
from services.ingress.http.context import log_problem, now
from services.ingress.http.cors import preflight, readable
from services.ingress.ports import Log, LogUnavailable, Sites, SourcesUnavailable
from services.runtime.budget import Budget, Lease
from services.runtime.http import RawRoute
from services.runtime.metrics import INGRESS_WEBHOOKS
from services.runtime.problems import (
    NOT_FOUND,
    TOO_LARGE,
    UNAUTHENTICATED,
    Kind,
    Problem,
    problem_response,
    unavailable,
)

UNUSABLE_MESSAGE: Final = Kind("unusable-message", "No message says what or whose it is", 400)
PATHS: Final = tuple(f"/v1/{name}" for name in (*CALLS, *BATCHES))
METRICS_PATH: Final = "/v1/m"
SETTINGS_PATH: Final = "/v1/projects/{write_key}/settings"
_JSON: Final = "application/json"
_SUCCESS: Final = b'{"success":true}'
_BASIC: Final = "basic "
_LONGEST_HEADER: Final = 512
# No scheme that a browser knows, or it would ask the visitor for a password.
_CHALLENGE: Final = {"WWW-Authenticate": 'WriteKey realm="onefold"'}
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)
_THIS_MACHINE: Final = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?", re.ASCII)
_DETAILS: Final = {
    "no_id": "a message has an anonymousId or a userId: a text that is not empty and not too long",
    "not_an_object": "a message is a JSON object",
    "too_large": f"a message has at most {MAX_MESSAGE_BYTES} bytes",
}


@dataclass(frozen=True, slots=True)
class SegmentIntake:
    """What a website's request is answered with."""

    sites: Sites
    log: Log
    budget: Budget
    said: DailyDedup
    limits: Limits


def segment_routes() -> list[RawRoute]:
    """The routes; the app keeps its ``SegmentIntake`` in its state."""
    calls = [RawRoute(f"/v1/{name}", _taking(name), methods=["POST"]) for name in (*CALLS, *BATCHES)]
    others = [
        RawRoute(METRICS_PATH, post_metrics, methods=["POST"]),
        RawRoute(SETTINGS_PATH, get_settings, methods=["GET"]),
    ]
    asked = [RawRoute(path, preflight, methods=["OPTIONS"]) for path in (*PATHS, METRICS_PATH, SETTINGS_PATH)]
    return calls + others + asked


def _taking(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def take(request: Request) -> Response:
        return await _counted(partial(_take, request, name))

    return take


async def _counted(answer: Callable[[], Awaitable[Response]]) -> Response:
    try:
        response, outcome = await answer(), "ok"
    except Problem as problem:
        response, outcome = problem_response(problem), problem.kind.slug
    INGRESS_WEBHOOKS.labels("web", outcome).inc()
    return readable(response)


async def _take(request: Request, name: str) -> Response:
    """200 once Kafka has acknowledged what the messages tell."""
    door: SegmentIntake = request.app.state.web
    header = request.headers.get("authorization")
    known = await _site(door, _key_in(header)) if header else None
    with door.budget.lease() as lease:
        body = await _parsed(request, name, lease)
        site = known or await _site(door, write_key_in(body))
        spend(door.limits, site)
        try:
            brought = segment_batch(name, body, now())
            ignored = await take_messages(brought, site, door.log, door.said)
        except MalformedBody as error:
            raise Problem(MALFORMED_BODY, str(error)) from None
        except TooManyMessages as error:
            raise Problem(TOO_LARGE, str(error), limit=MAX_MESSAGES) from None
        except LogUnavailable as error:
            raise log_problem(error) from error
    if ignored and len(ignored) == len(brought.messages):
        raise _unusable(ignored)
    return Response(_told(ignored), media_type=_JSON)


async def _parsed(request: Request, name: str, lease: Lease) -> Any:
    limit = MAX_BATCH_BYTES if name in BATCHES else MAX_MESSAGE_BYTES
    raw = await read_body(request, limit, lease)
    try:
        return lenient_json(unpacked(request, raw, limit, lease))
    except MalformedBody as error:
        raise Problem(MALFORMED_BODY, str(error)) from None


async def _site(door: SegmentIntake, write_key: str | None) -> Site:
    try:
        site = await door.sites.find(write_key) if write_key else None
    except SourcesUnavailable as error:
        raise unavailable("PostgreSQL") from error
    if site is None:
        detail = "send a write key as the user of basic auth, or as writeKey in the body"
        raise Problem(UNAUTHENTICATED, detail if not write_key else "this write key is none", headers=_CHALLENGE)
    return site


def _key_in(authorization: str) -> str | None:
    """The write key: the user of basic auth, without a password."""
    if authorization[: len(_BASIC)].lower() != _BASIC or len(authorization) > _LONGEST_HEADER:
        return None
    try:
        return b64decode(authorization[len(_BASIC) :].strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return None


def _unusable(ignored: list[Ignored]) -> Problem:
    first = ignored[0].reason
    kind = TOO_LARGE if first == "too_large" else UNUSABLE_MESSAGE
    return Problem(kind, _DETAILS.get(first), reason=first)


def _told(ignored: list[Ignored]) -> bytes:
    """Success, since what is left out would be no better if it were sent again; and which messages those are."""
    if not ignored:
        return _SUCCESS
    return orjson.dumps({"success": True, "ignored": [{"index": one.index, "reason": one.reason} for one in ignored]})


async def post_metrics(_: Request) -> Response:
    """What the browser's SDK tells of itself. Nobody here asks for it, and without an answer it complains aloud."""
    return readable(Response(_SUCCESS, media_type=_JSON))


async def get_settings(request: Request) -> Response:
    """What the browser's SDK asks before it begins: nothing to load besides itself, and where to send."""
    try:
        response = await _settings(request)
    except Problem as problem:
        response = problem_response(problem)
    return readable(response)


async def _settings(request: Request) -> Response:
    door: SegmentIntake = request.app.state.web
    write_key = request.path_params["write_key"]
    try:
        site = await door.sites.find(write_key)
    except SourcesUnavailable as error:
        raise unavailable("PostgreSQL") from error
    if site is None:
        raise Problem(NOT_FOUND, "there is no such write key")
    settings = {
        "integrations": {"Segment.io": {"apiKey": write_key, **_where(request.headers.get("host", ""))}},
        "plan": {"track": {"__default": {"enabled": True}}, "identify": {"__default": {"enabled": True}}},
        "metrics": {"sampleRate": 0},
    }
    return Response(orjson.dumps(settings), headers={"Cache-Control": "private, max-age=60"}, media_type=_JSON)


def _where(host: str) -> dict[str, str]:
    """Where the SDK is to send: where it asked. By https, as every website can, except on one's own machine."""
    if not _HOST.fullmatch(host):
        return {}
    return {"apiHost": f"{host}/v1", "protocol": "http" if _THIS_MACHINE.fullmatch(host) else "https"}
