"""The routes of sources, in the OpenAPI document."""

from typing import Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, SLOW_BODY
from services.ingress.http.openapi_parts import JSON, Document, answer, problems
from services.ingress.http.source_shapes import ChangedSource, NewSecret, NewSource, SiteShown, SourceList, SourceShown
from services.ingress.http.sources import STILL_USED
from services.runtime.problems import (
    FORBIDDEN,
    INTERNAL,
    INVALID_REQUEST,
    NAME_TAKEN,
    NOT_FOUND,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Kind,
)

_TAKEN: Final[tuple[type[BaseModel], ...]] = (NewSource, ChangedSource, NewSecret)
_SHOWN: Final[tuple[type[BaseModel], ...]] = (SourceShown, SiteShown, SourceList)
_ALWAYS: Final = ((UNAUTHENTICATED,), (FORBIDDEN,), (INTERNAL,), (UNAVAILABLE,))
_WITH_BODY: Final = ((MALFORMED_BODY, CUT_OFF), (SLOW_BODY,), (TOO_LARGE,), (INVALID_REQUEST,))
_NAME: Final[Document] = {
    "name": "source",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "The source's name.",
}
_SAID: Final = (
    " It is an event in the log, too: on `503` the change may be kept without it, and sending the same again completes"
    " it."
)


def sources_described() -> Document:
    """Paths and schemas."""
    return {
        "paths": {
            "/v1/sources": {"get": _list(), "post": _post()},
            "/v1/sources/{source}": {"get": _get(), "put": _put(), "delete": _delete()},
            "/v1/sources/{source}/secrets": {"post": _post_secret()},
            "/v1/sources/{source}/write-keys": {"post": _post_write_key()},
        },
        "schemas": _schemas(),
    }


def _list() -> Document:
    return _operation("list_sources", "The tenant's sources") | {
        "responses": {"200": answer("All of them, by name", "SourceList")} | _problems()
    }


def _post() -> Document:
    about = "Its name is unique among all tenants, since webhooks come to it." + _SAID
    return _operation("post_source", "Connect a channel's account", about, NewSource) | {
        "responses": {"201": answer("It is connected", "SiteShown")} | _problems((NAME_TAKEN,), *_WITH_BODY)
    }


def _get() -> Document:
    return _of_one("get_source", "A source") | {
        "responses": {"200": answer("It", "SourceShown")} | _problems((NOT_FOUND,))
    }


def _put() -> Document:
    about = "The whole of what may be changed. The channel is not: connect another source." + _SAID
    return _of_one("put_source", "Change, disable or enable a source", about, ChangedSource) | {
        "responses": {"200": answer("It is so now", "SourceShown")} | _problems((NOT_FOUND,), *_WITH_BODY)
    }


def _delete() -> Document:
    return _of_one("delete_source", "Remove a source", "It and its secrets; what it brought in stays." + _SAID) | {
        "responses": {"204": {"description": "It is removed"}} | _problems((NOT_FOUND,), (STILL_USED,))
    }


def _post_secret() -> Document:
    about = (
        "While a secret is being replaced, webhooks may be signed with either: add the new one here, change it in the "
        "channel's console, then drop the old one with `keep: 1` and no secret." + _SAID
    )
    return _of_one("post_source_secret", "Replace a source's secret", about, NewSecret) | {
        "responses": {"200": answer("Its secrets are these now", "SourceShown")} | _problems((NOT_FOUND,), *_WITH_BODY)
    }


def _post_write_key() -> Document:
    about = "A website's pages may use any of its write keys; `onefold write-keys revoke` ends one."
    return _of_one("post_source_write_key", "Make a further write key of a website", about) | {
        "responses": {"201": answer("It, this once", "SiteShown")} | _problems((NOT_FOUND,))
    }


def _of_one(name: str, summary: str, about: str = "", body: type[BaseModel] | None = None) -> Document:
    return _operation(name, summary, about, body) | {"parameters": [_NAME]}


def _operation(name: str, summary: str, about: str = "", body: type[BaseModel] | None = None) -> Document:
    told: Document = {"operationId": name, "summary": summary, "tags": ["sources"], "security": [{"key": []}]}
    told["description"] = f"Needs a key with the scope `admin`. {about}".strip()
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body.__name__}"}
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return told


def _problems(*further: tuple[Kind, ...]) -> Document:
    return problems(*_ALWAYS, *further)


def _schemas() -> Document:
    template = "#/components/schemas/{model}"
    taken = models_json_schema([(shape, "validation") for shape in _TAKEN], ref_template=template)[1]["$defs"]
    shown = models_json_schema([(shape, "serialization") for shape in _SHOWN], ref_template=template)[1]["$defs"]
    return {**taken, **shown}
