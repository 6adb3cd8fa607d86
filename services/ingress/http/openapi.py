"""What the raw routes take and answer, told in the OpenAPI document as if FastAPI had made them."""

from collections.abc import Iterable
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from schemas.export import EVENT_NAMES, UNKNOWN, asyncapi
from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, SLOW_BODY, UNSUPPORTED_ENCODING
from services.ingress.http.openapi_parts import COUNT as _COUNT
from services.ingress.http.openapi_parts import JSON as _JSON
from services.ingress.http.openapi_parts import STRING as _STRING
from services.ingress.http.openapi_parts import Document
from services.ingress.http.openapi_parts import answer as _answer
from services.ingress.http.openapi_parts import problem as _problem
from services.ingress.http.openapi_parts import problems as _problems
from services.ingress.http.openapi_segment import SEGMENT_PATHS, SEGMENT_SCHEMAS
from services.ingress.http.openapi_stated import PATHS, SCHEMAS, VISIBLE, WAIT
from services.ingress.http.routes import NO_ACCEPTABLE_EVENT, NO_DECISION, NO_POLICY
from services.ingress.http.webhooks import WRONG_SIGNATURE
from services.runtime.problems import (
    FORBIDDEN,
    INTERNAL,
    NOT_FOUND,
    TOO_FAST,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Kind,
)

_SET_BY_INGRESS: Final = frozenset({"event_id", "tenant", "received_at", "source", "schema_version"})

_PROBLEM: Final[Document] = {
    "description": "A problem document, RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/unauthenticated"]},
        "title": _STRING,
        "status": {"type": "integer"},
        "detail": _STRING,
        "reason": {"type": "string", "description": "One of a closed set of words."},
        "field": {"type": "string", "description": "The field it is about, such as `data.tag`."},
    },
}
_CONTACT_KEY: Final[Document] = {
    "type": "string",
    "description": "A contact's key.",
    "examples": ["line:oa-taipei:Uc0"],
}
_DECIDED: Final[Document] = {
    "type": "object",
    "required": ["a", "b", "decision", "by"],
    "additionalProperties": False,
    "properties": {
        "a": _CONTACT_KEY,
        "b": _CONTACT_KEY,
        "decision": {"enum": ["same", "different", "undecided"]},
        "by": {"type": "string", "description": "Who decided."},
        "note": {"type": ["string", "null"], "description": "Why."},
        "event_id": {"type": ["string", "null"]},
    },
}
_POLICY: Final[Document] = {
    "type": "object",
    "required": ["policy"],
    "additionalProperties": False,
    "properties": {
        "policy": {
            "type": "object",
            "description": "What it leaves out is as in the default policy.",
            "examples": [{"types": {"phone": {"claimed": None, "limit": 4}}, "also_blocked": ["vip"]}],
        },
        "by": {"type": ["string", "null"], "description": "Who sets it."},
        "note": {"type": ["string", "null"], "description": "Why."},
        "event_id": {"type": ["string", "null"]},
    },
}
_ACCEPTED: Final[Document] = {
    "type": "object",
    "required": ["index", "status", "event_id"],
    "properties": {"index": _COUNT, "status": {"const": "accepted"}, "event_id": _STRING},
}
_REJECTED: Final[Document] = {
    "type": "object",
    "required": ["index", "status", "problem"],
    "properties": {
        "index": _COUNT,
        "status": {"const": "rejected"},
        "problem": {"$ref": "#/components/schemas/Problem"},
    },
}
_COUNTS: Final[Document] = {
    "accepted": _COUNT,
    "rejected": _COUNT,
    "results": {
        "description": "What became of each event, in the order sent.",
        "type": "array",
        "items": {
            "oneOf": [
                {"$ref": "#/components/schemas/AcceptedResult"},
                {"$ref": "#/components/schemas/RejectedResult"},
            ]
        },
    },
}
_EVENTS_TEXT: Final = (
    "One event, an array of them, or one a line. Each is validated alone. `202` means that Kafka, with acks=all, has "
    "every accepted one; on `503` send the same again: an event that is in the log already is absorbed. `tenant` is "
    "the key's, `received_at` is now, `event_id` is made of the content where it is left out; an `occurred_at` more "
    "than five minutes ahead is taken to be now."
)
_ONE_EVENT_TEXT: Final = (
    "`202` means that Kafka, with acks=all, has it; send an `event_id` of your own to be able to repeat it."
)
_WEBHOOK_TEXT: Final = (
    "For LINE to call. The raw body has to be signed with one of the source's secrets; what is in it is in Kafka, with "
    "acks=all, before the answer."
)


def describe(app: FastAPI, *further: Document) -> None:
    """Have the app's OpenAPI document tell of the raw routes; ``further`` are paths and schemas of other modules."""

    def openapi() -> Document:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, routes=app.routes)
            app.openapi_schema = made | _together(_added(app.version), further)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _together(ours: Document, further: Iterable[Document]) -> Document:
    for more in further:
        ours["paths"] |= more["paths"]
        ours["components"]["schemas"] |= more["schemas"]
    return ours


def _added(version: str) -> Document:
    return {
        "paths": {
            "/v1/events": {"post": _post_events()},
            "/v1/identity/decisions": {"post": _post_decision()},
            "/v1/identity/policy": {"put": _put_policy()},
            "/webhooks/line/{source}": {"post": _post_line_webhook()},
            **SEGMENT_PATHS,
            **PATHS,
        },
        "components": {
            "schemas": _schemas(version) | SCHEMAS,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key with the scope `events:write`; for what staff do `customers:write`, "
                    "for the policy `admin`.",
                },
                "writeKey": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "A website's write key as the user, without a password; or `writeKey` in the body.",
                },
                "lineSignature": {"type": "apiKey", "in": "header", "name": "x-line-signature"},
            },
        },
    }


def _post_events() -> Document:
    event, lines = {"$ref": "#/components/schemas/Event"}, {"type": "string", "description": "One event a line."}
    either = {"oneOf": [event, {"type": "array", "items": event}]}
    return {
        "operationId": "post_events",
        "summary": "Append canonical events to the log",
        "description": _EVENTS_TEXT,
        "security": [{"key": []}],
        "parameters": [
            {
                "name": "Content-Encoding",
                "in": "header",
                "schema": {"enum": ["identity", "gzip"]},
                "description": "The body's limit holds for it packed and unpacked.",
            }
        ],
        "requestBody": {
            "required": True,
            "content": {_JSON: {"schema": either}, "application/x-ndjson": {"schema": lines}},
        },
        "responses": {
            "202": _answer("At least one event was accepted, or none was sent", "EventsResult"),
            "422": _problem((NO_ACCEPTABLE_EVENT,), "NoAcceptableEvent"),
        }
        | _problems(
            (MALFORMED_BODY, CUT_OFF),
            (UNAUTHENTICATED,),
            (FORBIDDEN,),
            (SLOW_BODY,),
            (TOO_LARGE,),
            (UNSUPPORTED_ENCODING,),
            (INTERNAL,),
            (UNAVAILABLE,),
        ),
    }


def _post_decision() -> Document:
    return {
        "operationId": "post_decision",
        "summary": "Decide whether two contacts are one person",
        "description": "An event of now: of several decisions of a pair the latest counts, and `undecided` takes "
        f"either back. {_ONE_EVENT_TEXT}",
    } | _one_event("Decided", NO_DECISION)


def _put_policy() -> Document:
    return {
        "operationId": "put_policy",
        "summary": "Set the policy for identity resolution",
        "description": "An event of now; the event's id is the policy's version. It is adopted in the background: "
        "until that is done everything is read by the policy before, and `GET` tells how far it is. Preview it first. "
        f"{_ONE_EVENT_TEXT}",
    } | _one_event("Policy", NO_POLICY)


def _one_event(schema: str, refusal: Kind) -> Document:
    return {
        "security": [{"key": []}],
        "parameters": [WAIT],
        "requestBody": {"required": True, "content": {_JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}},
        "responses": {"202": _answer("It is in the log", "OneEventResult")}
        | _problems(
            (MALFORMED_BODY, CUT_OFF),
            (UNAUTHENTICATED,),
            (FORBIDDEN,),
            (SLOW_BODY,),
            (TOO_LARGE,),
            (UNSUPPORTED_ENCODING,),
            (refusal,),
            (INTERNAL,),
            (UNAVAILABLE,),
        ),
    }


def _post_line_webhook() -> Document:
    source = {"name": "source", "in": "path", "required": True, "schema": _STRING, "description": "The source's name."}
    return {
        "operationId": "post_line_webhook",
        "summary": "Receive a LINE webhook",
        "description": _WEBHOOK_TEXT,
        "security": [{"lineSignature": []}],
        "parameters": [source],
        "requestBody": {"required": True, "content": {_JSON: {"schema": {"$ref": "#/components/schemas/LineWebhook"}}}},
        "responses": {"200": _answer("Everything in it is in the log", "Empty")}
        | _problems(
            (MALFORMED_BODY, CUT_OFF),
            (WRONG_SIGNATURE,),
            (NOT_FOUND,),
            (SLOW_BODY,),
            (TOO_LARGE,),
            (TOO_FAST,),
            (INTERNAL,),
            (UNAVAILABLE,),
        ),
    }


def _schemas(version: str) -> Document:
    events = {
        name: _as_sent(schema) if name in {*EVENT_NAMES.values(), UNKNOWN} else schema
        for name, schema in asyncapi(version)["components"]["schemas"].items()
    }
    return events | {
        "Event": {
            "description": "Any event: one of the known types, or one that is kept without being understood.",
            "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in (*EVENT_NAMES.values(), UNKNOWN)],
        },
        "Problem": _PROBLEM,
        "Decided": _DECIDED,
        "Policy": _POLICY,
        "OneEventResult": {
            "type": "object",
            "required": ["event_id"],
            "properties": {"event_id": _STRING, "visible": VISIBLE},
        },
        "AcceptedResult": _ACCEPTED,
        "RejectedResult": _REJECTED,
        "EventsResult": {"type": "object", "required": list(_COUNTS), "properties": _COUNTS},
        "NoAcceptableEvent": {
            "allOf": [{"$ref": "#/components/schemas/Problem"}, {"$ref": "#/components/schemas/EventsResult"}]
        },
        "LineWebhook": {
            "type": "object",
            "required": ["events"],
            "properties": {
                "destination": {"type": "string", "description": "The account's own user id."},
                "events": {"type": "array", "items": {"type": "object"}, "description": "None: a connectivity check."},
            },
        },
        "Empty": {"type": "object", "maxProperties": 0},
        **SEGMENT_SCHEMAS,
    }


def _as_sent(envelope: Document) -> Document:
    """An event's schema as a producer has to fulfil it: what ingress sets may be left out."""
    return envelope | {"required": [name for name in envelope["required"] if name not in _SET_BY_INGRESS]}
