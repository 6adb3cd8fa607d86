"""CORS: any website may call these routes. No cookies are used, so a call carries no credentials of its own."""

import re
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from schemas.export import Document

_ASKED: Final = re.compile(r"[A-Za-z0-9-]+(?:\s*,\s*[A-Za-z0-9-]+)*")
_LONGEST: Final = 1000
_USUAL: Final = "authorization, content-type, content-encoding, x-retry-count"


def add_preflight(router: APIRouter, path: str, openapi_extra: Document | None = None) -> None:
    """Add the route by which browsers ask whether a script may call the path."""
    slash = "_slash" if path.endswith("/") else ""  # its operation needs an id of its own
    router.add_api_route(
        path,
        preflight,
        methods=["OPTIONS"],
        name=f"preflight_{path.strip('/')}{slash}",
        summary="Let a script of any website send this",
        status_code=204,
        openapi_extra=openapi_extra,
    )


async def preflight(request: Request) -> Response:
    """Whether a script may send what it wants to: it may, with whatever headers its SDK was told to set."""
    asked = request.headers.get("access-control-request-headers", "")
    allowed = asked if len(asked) <= _LONGEST and _ASKED.fullmatch(asked) else _USUAL
    response = Response(status_code=204)
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = allowed
    response.headers["Access-Control-Max-Age"] = "86400"
    return readable(response)


def readable(response: Response) -> Response:
    """The response, with leave to read it; errors need it too, for a script that may not read one sees no server."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "Retry-After"
    return response
