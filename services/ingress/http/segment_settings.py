"""What Segment's SDK for browsers asks besides sending.

A stock SDK whose ``cdnURL`` is this service gets its settings here, which make it send its messages here.
"""

import re
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.ingress.http.cors import add_preflight, readable
from services.ingress.http.segment import SegmentIntake, SegmentTaken
from services.ingress.http.site_keys import SERVER_KEY, refuse_server_key
from services.ingress.ports import SourcesUnavailable
from services.runtime.api import open_router, path_parameter, problem_responses
from services.runtime.problems import (
    INTERNAL,
    NOT_FOUND,
    UNAVAILABLE,
    Problem,
    problem_response,
    unavailable,
)

METRICS_PATH: Final = "/v1/m"
SETTINGS_PATH: Final = "/v1/projects/{write_key}/settings"
_JSON: Final = "application/json"
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)
_THIS_MACHINE: Final = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?", re.ASCII)
_WRITE_KEY_IN_PATH: Final = path_parameter("write_key", "The website's write key.")

router: Final[APIRouter] = open_router("segment")
add_preflight(router, METRICS_PATH)
add_preflight(router, SETTINGS_PATH, _WRITE_KEY_IN_PATH)


@router.post(METRICS_PATH, summary="Take an SDK's own metrics, and drop them", response_model=SegmentTaken)
async def post_sdk_metrics(_: Request) -> Response:
    """What the browser's SDK tells of itself. Nobody here asks for it, and without an answer it complains aloud."""
    return readable(Response(b'{"success":true}', media_type=_JSON))


@router.get(
    SETTINGS_PATH,
    summary="What the browser's SDK asks before it begins, where its `cdnURL` is this service",
    response_model=dict[str, Any],
    responses=problem_responses(SERVER_KEY, NOT_FOUND, INTERNAL, UNAVAILABLE),
    openapi_extra=_WRITE_KEY_IN_PATH,
)
async def get_segment_settings(request: Request) -> Response:
    """What the browser's SDK asks before it begins: nothing to load besides itself, and where to send."""
    try:
        response = await _settings(request)
    except Problem as problem:
        response = problem_response(problem)
    return readable(response)


async def _settings(request: Request) -> Response:
    intake: SegmentIntake = request.app.state.segment_intake
    write_key = request.path_params["write_key"]
    try:
        site = await intake.sites.find(write_key)
    except SourcesUnavailable as error:
        raise unavailable("PostgreSQL") from error
    if site is None:
        raise Problem(NOT_FOUND, "there is no such write key")
    refuse_server_key(site)
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
