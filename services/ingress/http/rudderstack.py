"""What RudderStack's SDKs ask besides Segment's calls: a configuration before they begin, and a batch of a beacon.

An SDK whose ``configUrl`` (in apps ``controlPlaneUrl``) is this service is told that its source is enabled and has no
destinations besides, so it sends all that it gathers to its ``dataPlaneUrl``.
"""

from typing import Any, Final

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.ingress.http.cors import add_preflight, readable
from services.ingress.http.segment import TAKEN_OR_NOT, SegmentIntake, SegmentMessages, SegmentTaken, take
from services.ingress.http.site_keys import SERVER_KEY, WRITE_KEY, key_in_header, refuse_server_key, site_of
from services.runtime.api import body_of, open_router, problem_responses
from services.runtime.problems import INTERNAL, UNAUTHENTICATED, UNAVAILABLE, Problem, problem_response

CONFIG_PATHS: Final = ("/sourceConfig", "/sourceConfig/")
BEACON_PATH: Final = "/beacon/v1/batch"
METRICS_PATH: Final = "/rsaMetrics"
_JSON: Final = "application/json"
_NO_STATISTICS: Final = {"errors": {"enabled": False}, "metrics": {"enabled": False}}
_KEY_IN_QUERY: Final = {
    "parameters": [
        {
            "name": "writeKey",
            "in": "query",
            "schema": {"type": "string"},
            "description": "The website's write key, where no header has it.",
        }
    ]
}

# Hot: the endpoint takes the request alone.
calls: Final[APIRouter] = open_router("rudderstack")
router: Final[APIRouter] = open_router("rudderstack")
for _path in (*CONFIG_PATHS, BEACON_PATH, METRICS_PATH):
    add_preflight(router, _path)


def _key_of(request: Request) -> str:
    """The write key of the header, else of the query, where beacons have it; "" where neither has one."""
    in_header = key_in_header(request)
    return request.query_params.get("writeKey", "") if in_header is None else in_header


@calls.post(
    BEACON_PATH,
    summary="Record several messages that a browser sends when it leaves a page",
    response_model=SegmentTaken,
    responses=TAKEN_OR_NOT,
    openapi_extra=body_of({_JSON: SegmentMessages, "text/plain": SegmentMessages}) | _KEY_IN_QUERY,
)
async def post_beacon(request: Request) -> Response:
    """A batch as `POST /v1/batch` takes it; the write key is in the query, since a beacon has no headers."""
    return await take(request, "batch", _key_of(request))


@router.post(METRICS_PATH, summary="Take an SDK's own metrics, and drop them", response_model=SegmentTaken)
async def post_rudderstack_metrics(_: Request) -> Response:
    """What an SDK tells of itself, if it was configured elsewhere to do so."""
    return readable(Response(b'{"success":true}', media_type=_JSON))


async def get_source_config(request: Request) -> Response:
    """What an SDK asks before it begins: the source is enabled, and has no destinations that the SDK should load."""
    intake: SegmentIntake = request.app.state.segment_intake
    write_key = _key_of(request)
    try:
        refuse_server_key(await site_of(intake.sites, write_key))
    except Problem as problem:
        return readable(problem_response(problem))
    headers = {"Cache-Control": "private, max-age=60"}
    return readable(Response(orjson.dumps(_config(write_key)), headers=headers, media_type=_JSON))


def _config(write_key: str) -> dict[str, Any]:
    """The source's id and name are the write key, which the SDK has already: nothing else of the source is public."""
    source = {
        "id": write_key,
        "name": write_key,
        "writeKey": write_key,
        "workspaceId": "onefold",
        "enabled": True,
        "updatedAt": "2025-01-01T00:00:00.000Z",
        "config": {"statsCollection": _NO_STATISTICS},
        "connections": [],
        "destinations": [],
    }
    return {"isHosted": True, "source": source}


for _path in CONFIG_PATHS:
    router.add_api_route(
        _path,
        get_source_config,
        methods=["GET"],
        name=f"get_{_path.strip('/')}{'_slash' if _path.endswith('/') else ''}",
        summary="What RudderStack's SDKs ask before they begin, where their `configUrl` is this service",
        response_model=dict[str, Any],
        responses=problem_responses(UNAUTHENTICATED, SERVER_KEY, INTERNAL, UNAVAILABLE),
        openapi_extra=_KEY_IN_QUERY,
        dependencies=[Depends(WRITE_KEY)],
    )
