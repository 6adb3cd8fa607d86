"""What the FastAPI routes of every service share: path parameters that hold slashes, and how a route is described.

FastAPI describes what its own parameters take. A route that reads its body itself says what is in it by ``body_of``,
with the pydantic model that validates it.
"""

import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.responses import Response

from schemas.export import Document
from services.runtime.http import EncodedPath
from services.runtime.problems import (
    BAD_REQUEST,
    FORBIDDEN,
    INTERNAL,
    INVALID_REQUEST,
    MEDIA_TYPE,
    NOT_FOUND,
    SLOW_BODY,
    TOO_FAST,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Kind,
    Problem,
)
from services.runtime.small_bodies import bounded

Responses = dict[int | str, Document]
_BEARER: Final = HTTPBearer(
    scheme_name="apiKey", auto_error=False, description="an API key with the scope that the route needs"
)


@dataclass(frozen=True, slots=True)
class Access:
    """What a route needs of an API key, and what a request takes from the key's rate limit.

    ``recorded`` requests are in the audit trail: all commands, and reads that show anything about a person.
    """

    scope: str
    cost: float = 1.0
    recorded: bool = True


def access_of(route: APIRoute) -> Access | None:
    """What the route needs of an API key, by the ``access`` of one of its dependencies; None of one that needs none."""
    waiting = [route.dependant]
    while waiting:
        one = waiting.pop()
        if isinstance(access := getattr(one.call, "access", None), Access):
            return access
        waiting += one.dependencies
    return None


_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_]+")
_LONGEST_NAME: Final = 64
_MOST_NAMES: Final = 10
_NUL: Final = "\0"
_REF: Final = "#/components/schemas/{model}"


def _absent_not_null(schema: Document) -> None:
    """A field that may be None is left out of the JSON then: describe it as optional, never as null."""
    for field in schema.get("properties", {}).values():
        if "default" in field and field["default"] is None:
            del field["default"]
            options = [one for one in field.pop("anyOf", []) if one != {"type": "null"}]
            field.update(options[0] if len(options) == 1 else {"anyOf": options} if options else {})


class Answer(BaseModel):
    """The JSON of an answer; what is None is left out of it."""

    model_config = ConfigDict(json_schema_extra=_absent_not_null)

    def response(self, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """The answer as a response."""
        return Response(self.model_dump_json(exclude_none=True), status, headers, "application/json")


class ProblemDocument(Answer):
    """RFC 9457. ``type`` tells one sort of problem from another; some have more fields than these."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(json_schema_extra={"format": "uri-reference"}, examples=["/problems/unauthenticated"])
    title: str
    status: int
    detail: str | None = None
    reason: str | None = Field(None, description="One of a closed set of words.")
    field: str | None = Field(None, description="The field it is about, such as `data.tag`.")


def schema_of(shape: Any, mode: Literal["validation", "serialization"] = "validation") -> Document:
    """The JSON schema of a type, with those it refers to in ``$defs``, which ``hoist`` moves to the components."""
    schemas, definitions = TypeAdapter.json_schemas([("it", mode, TypeAdapter(shape))], ref_template=_REF)
    return {**schemas["it", mode], **definitions}


def body_of(shapes: Mapping[str, Any], *, required: bool = True) -> Document:
    """The ``openapi_extra`` of a route that reads its body itself: by media type, a type or a schema."""
    content = {kind: {"schema": one if isinstance(one, dict) else schema_of(one)} for kind, one in shapes.items()}
    return {"requestBody": {"required": required, "content": content}}


def path_parameter(name: str, description: str) -> Document:
    """The ``openapi_extra`` of a route that reads a path parameter itself."""
    parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    return {"parameters": [parameter | {"description": description}]}


def hoist(document: Document) -> Document:
    """The document with every ``$defs`` in it moved to its components. Raises ValueError where two of them differ."""
    components = document.setdefault("components", {}).setdefault("schemas", {})

    def moved(node: Any) -> Any:
        if isinstance(node, list):
            return [moved(one) for one in node]
        if not isinstance(node, dict):
            return node
        for name, schema in node.get("$defs", {}).items():
            if components.setdefault(name, schema) != schema:
                raise ValueError(f"two schemas are called {name}")
        return {key: moved(value) for key, value in node.items() if key != "$defs"}

    return {**moved(document), "components": {**document["components"], "schemas": components}}


def problem_responses(*kinds: Kind, shape: Any = ProblemDocument) -> Responses:
    """The problems that a route may answer, as FastAPI's ``responses`` takes them; several may share a status."""
    found: Responses = {}
    for status, group in groupby(sorted(kinds, key=lambda kind: kind.status), key=lambda kind: kind.status):
        titles = "; ".join(f"{kind.title} (`{kind.type}`)" for kind in group)
        schema = schema_of(shape, "serialization")
        found[status] = {"description": titles, "content": {MEDIA_TYPE: {"schema": schema}}}
    return found


# What a route may answer to a body that FastAPI reads.
_OF_SMALL_BODIES: Final = problem_responses(BAD_REQUEST, SLOW_BODY, TOO_LARGE)


class EncodedPathRoute(EncodedPath, APIRoute):
    """One of FastAPI's routes whose parameters may hold slashes, sent as ``%2F``, and whose body is bounded."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.body_field is not None:
            self.responses = _OF_SMALL_BODIES | self.responses

    @cached_property
    def query_parameters(self) -> frozenset[str]:
        """The names of the query parameters that the route is described with."""
        described = (self.openapi_extra or {}).get("parameters", ())
        read_by_itself = {one["name"] for one in described if one["in"] == "query"}
        fields = (one for one in get_flat_params(self.dependant) if isinstance(one.field_info, Query))
        return frozenset(read_by_itself.union(one.alias for one in fields))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI's; a body that FastAPI reads has limits."""
        handle = super().get_route_handler()
        return bounded(handle) if self.body_field is not None else handle


def refuse_unknown_parameters(request: Request) -> None:
    """Raise a 422 problem that names the query parameters that the route has not: a misspelt one would do nothing."""
    route = request.scope.get("route")
    if not request.scope["query_string"] or not isinstance(route, EncodedPathRoute):
        return
    known = route.query_parameters
    if unknown := sorted(set(request.query_params) - known):
        message = f"the route takes {', '.join(sorted(known)) or 'none'}"
        errors = [{"field": f"query.{name[:_LONGEST_NAME]}", "message": message} for name in unknown[:_MOST_NAMES]]
        raise Problem(INVALID_REQUEST, errors=errors)


def refuse_unstorable_names(request: Request) -> None:
    """Raise a 404 problem where the path names something by a NUL character, which PostgreSQL can't store."""
    if any(isinstance(value, str) and _NUL in value for value in request.path_params.values()):
        raise Problem(NOT_FOUND, "no name has a NUL character")


# What every route that needs an API key may answer.
COMMON_PROBLEMS: Final = problem_responses(
    UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, INVALID_REQUEST, TOO_FAST, INTERNAL, UNAVAILABLE
)


def keyed_router(prefix: str, tag: str) -> APIRouter:
    """A router whose routes are described as needing an API key; ``control.auth.require`` checks it."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=EncodedPathRoute,
        redirect_slashes=False,
        dependencies=[Depends(_BEARER)],
        generate_unique_id_function=_operation_id,
    )


def open_router(tag: str) -> APIRouter:
    """A router whose routes know their callers by other means than an API key."""
    return APIRouter(tags=[tag], redirect_slashes=False, generate_unique_id_function=_operation_id)


def _operation_id(route: APIRoute) -> str:
    """The route's name, of which a function can be named in any language."""
    return _NO_NAME.sub("_", route.name).strip("_")
