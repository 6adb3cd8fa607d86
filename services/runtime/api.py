"""What the FastAPI routes of every service share: path parameters that hold slashes, and how a route is described."""

from typing import Any, Final

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from services.runtime.http import EncodedPath
from services.runtime.problems import (
    FORBIDDEN,
    INVALID_REQUEST,
    MEDIA_TYPE,
    NOT_FOUND,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Kind,
    document,
)

Responses = dict[int | str, dict[str, Any]]
_BEARER: Final = HTTPBearer(auto_error=False, description="an API key with the scope that the route needs")

_PROBLEM: Final = {
    "title": "Problem",
    "description": "RFC 9457. `type` tells one sort of problem from another.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}


class EncodedPathRoute(EncodedPath, APIRoute):
    """One of FastAPI's routes whose parameters may hold slashes, sent as ``%2F``."""


def problem_responses(*kinds: Kind) -> Responses:
    """The problems that a route may answer, as FastAPI's ``responses`` takes them."""
    return {
        kind.status: {
            "description": kind.title,
            "content": {MEDIA_TYPE: {"schema": _PROBLEM, "example": document(kind)}},
        }
        for kind in kinds
    }


# What every route that needs an API key may answer.
COMMON_PROBLEMS: Final = problem_responses(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, INVALID_REQUEST, UNAVAILABLE)


def keyed_router(prefix: str, tag: str) -> APIRouter:
    """A router whose routes are described as needing an API key; ``control.auth.require`` checks it."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=EncodedPathRoute,
        redirect_slashes=False,
        dependencies=[Depends(_BEARER)],
        generate_unique_id_function=lambda route: route.name,
    )
