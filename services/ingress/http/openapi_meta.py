"""Meta's routes, in the OpenAPI document."""

from typing import Any, Final

from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, SLOW_BODY
from services.ingress.http.openapi_parts import JSON, Document, answer, problems
from services.ingress.http.webhooks import WRONG_SIGNATURE, WRONG_TOKEN
from services.runtime.problems import (
    INTERNAL,
    INVALID_REQUEST,
    NOT_FOUND,
    TOO_FAST,
    TOO_LARGE,
    UNAVAILABLE,
)

_STRING: Final[Document] = {"type": "string"}
_ALWAYS: Final = ((NOT_FOUND,), (INTERNAL,), (UNAVAILABLE,))
_SIGNED: Final = ((MALFORMED_BODY, CUT_OFF), (WRONG_SIGNATURE,), (SLOW_BODY,), (TOO_LARGE,), (TOO_FAST,))
_HUB: Final = {
    "hub.mode": {"const": "subscribe"},
    "hub.verify_token": _STRING,
    "hub.challenge": {"type": "string", "minLength": 1, "maxLength": 1024},
}


def meta_described() -> Document:
    """Paths and schemas."""
    return {
        "paths": {
            "/webhooks/meta/{source}": {"get": _handshake(), "post": _webhook()},
            "/webhooks/meta/{source}/deletion": {"post": _deletion()},
            "/webhooks/meta/{source}/deletion/{code}": {"get": _status()},
        },
        "schemas": {
            "MetaWebhook": {
                "type": "object",
                "required": ["object", "entry"],
                "properties": {"object": _STRING, "entry": {"type": "array", "items": {"type": "object"}}},
            },
            "DeletionAnswer": {
                "type": "object",
                "required": ["url", "confirmation_code"],
                "properties": {"url": {"type": "string", "format": "uri"}, "confirmation_code": _STRING},
            },
        },
    }


def _handshake() -> Document:
    return _operation("get_meta_handshake", "Answer Meta's first call") | {
        "description": "Gives the challenge back to whoever says the source's verify token.",
        "parameters": [_in_path("source"), *(_in_query(name, schema) for name, schema in _HUB.items())],
        "responses": {"200": {"description": "The challenge", "content": {"text/plain": {"schema": _STRING}}}}
        | problems((WRONG_TOKEN,), (INVALID_REQUEST,), *_ALWAYS),
    }


def _webhook() -> Document:
    body = {"required": True, "content": {JSON: {"schema": {"$ref": "#/components/schemas/MetaWebhook"}}}}
    return _operation("post_meta_webhook", "Receive a webhook of Messenger, Instagram or WhatsApp") | {
        "description": "For Meta to call. The raw body has to be signed with one of the source's app secrets; what is "
        "in it is in Kafka, with acks=all, before the answer.",
        "parameters": [_in_path("source"), _signature()],
        "requestBody": body,
        "responses": {"200": answer("Everything in it is in the log", "Empty")} | problems(*_SIGNED, *_ALWAYS),
    }


def _deletion() -> Document:
    form = {"type": "object", "required": ["signed_request"], "properties": {"signed_request": _STRING}}
    return _operation("post_meta_deletion", "Take a person's request to have their data deleted") | {
        "description": "For Meta to call. The request is kept for staff and is in the log; sent again, it is the same.",
        "parameters": [_in_path("source")],
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}},
        "responses": {"200": answer("It is kept", "DeletionAnswer")} | problems(*_SIGNED, (INVALID_REQUEST,), *_ALWAYS),
    }


def _status() -> Document:
    return _operation("get_meta_deletion", "What became of a person's request") | {
        "description": "A page for people, which shows nothing of the person.",
        "parameters": [_in_path("source"), _in_path("code")],
        "responses": {"200": {"description": "The page", "content": {"text/html": {"schema": _STRING}}}}
        | problems(*_ALWAYS),
    }


def _operation(name: str, summary: str) -> Document:
    return {"operationId": name, "summary": summary, "tags": ["webhooks"]}


def _in_path(name: str) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": _STRING}


def _in_query(name: str, schema: Any) -> Document:
    return {"name": name, "in": "query", "required": True, "schema": schema}


def _signature() -> Document:
    return {"name": "X-Hub-Signature-256", "in": "header", "required": True, "schema": _STRING}
