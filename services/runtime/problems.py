"""Errors as RFC 9457 problem documents, the same from every service.

A ``Kind`` is a sort of problem, which a client recognises by its ``type``; a ``Problem`` is one occurrence of it.
No document contains internals, and none repeats input beyond the names of fields.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from schemas.refusals import RefusedPlace, refusals, why_of
from services.runtime.database import is_transient

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of problem: the last part of its ``type``, its title and its status."""

    slug: str
    title: str
    status: int

    @property
    def type(self) -> str:
        """The URI that names it, relative to the service."""
        return f"/problems/{self.slug}"


BAD_REQUEST: Final = Kind("bad-request", "Bad Request", 400)
UNAUTHENTICATED: Final = Kind("unauthenticated", "A valid API key is needed", 401)
FORBIDDEN: Final = Kind("forbidden", "The API key lacks a scope", 403)
NOT_FOUND: Final = Kind("not-found", "There is nothing here", 404)
METHOD_NOT_ALLOWED: Final = Kind("method-not-allowed", "This is not done here with this method", 405)
SLOW_BODY: Final = Kind("slow-body", "The body took too long to arrive", 408)
TOO_LARGE: Final = Kind("too-large", "More than is taken at once", 413)
NAME_TAKEN: Final = Kind("name-taken", "There is one of that name already", 409)
TOO_FAST: Final = Kind("too-fast", "More than is taken in this time", 429)
INVALID_REQUEST: Final = Kind("invalid-request", "The request does not fit its description", 422)
INTERNAL: Final = Kind("internal", "Something went wrong on our side", 500)
TOO_MANY_JOBS: Final = Kind("too-many-jobs", "Many jobs are not finished yet", 429)
UNAVAILABLE: Final = Kind("unavailable", "A server this needs is away; try again", 503)


class Problem(Exception):
    """Raised anywhere in a handler, answered as a problem document; ``fields`` are the document's further members."""

    def __init__(
        self, kind: Kind, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **fields: Any
    ) -> None:
        super().__init__(f"{kind.slug}: {detail or kind.title}")
        self.kind, self.detail, self.headers, self.fields = kind, detail, headers, fields


def document(kind: Kind, detail: str | None = None, **fields: Any) -> dict[str, Any]:
    """The members of a problem document."""
    given = {"detail": detail} if detail else {}
    return {"type": kind.type, "title": kind.title, "status": kind.status, **given, **fields}


def unavailable(server: str, retry_after: int = 1) -> Problem:
    """The 503 for a server that this process needs and can't reach."""
    return Problem(UNAVAILABLE, f"{server} is away", headers={"Retry-After": str(retry_after)})


def problem_response(problem: Problem) -> Response:
    """The response for a problem."""
    return _response(document(problem.kind, problem.detail, **problem.fields), problem.kind.status, problem.headers)


def response_to(error: Exception) -> tuple[Response, bool]:
    """The response for any error, and whether the error is a Problem (any other one should be looked into)."""
    if isinstance(error, Problem):
        return problem_response(error), True
    return problem_response(unavailable("PostgreSQL") if is_transient(error) else Problem(INTERNAL)), False


def add_problem_handlers(app: FastAPI) -> None:
    """Make the app answer every error with a problem document."""
    app.add_exception_handler(Problem, _on_any)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_any)


async def _on_any(_: Request, error: Exception) -> Response:
    """Answer; Starlette raises an error that is no Problem again, so that the server logs it."""
    return response_to(error)[0]


async def _on_http_exception(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    kind = _BY_STATUS.get(error.status_code) or _kind_of(error.status_code)
    # Starlette's own detail only repeats the status.
    detail = error.detail if error.detail != HTTPStatus(kind.status).phrase else None
    return _response(document(kind, detail), kind.status, error.headers)


async def _on_invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [{"field": one.place, "message": one.why} for one in _refused(error)]
    return _response(document(INVALID_REQUEST, errors=errors), INVALID_REQUEST.status)


def _refused(error: RequestValidationError) -> list[RefusedPlace]:
    """What is wrong with the body, as it was written, and with parameters, by where they stand: ``query.limit``."""
    found = list(error.errors())
    of_body = [{**one, "loc": one["loc"][1:]} for one in found if one["loc"][0] == "body"]
    others = [RefusedPlace(".".join(map(str, one["loc"])), why_of(one)) for one in found if one["loc"][0] != "body"]
    return others + [one._replace(place=one.place or "body") for one in refusals(of_body, error.body)]


_BY_STATUS: Final = {
    kind.status: kind
    for kind in (BAD_REQUEST, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, METHOD_NOT_ALLOWED, SLOW_BODY, TOO_LARGE)
}


def _kind_of(status: int) -> Kind:
    phrase = HTTPStatus(status).phrase
    return Kind(phrase.lower().replace(" ", "-"), phrase, status)


def _response(body: dict[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_dumps(body), status, headers, MEDIA_TYPE)


def _dumps(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:  # the name of a field may hold a lone surrogate
        return json.dumps(body).encode()
