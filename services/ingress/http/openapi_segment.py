"""Segment's calls in the OpenAPI document. The one-letter paths that the browser's SDK uses mean the same."""

from typing import Final

from services.ingress.core.segment import MAX_BATCH_BYTES, MAX_MESSAGES
from services.ingress.core.web import MAX_MESSAGE_BYTES
from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, SLOW_BODY, UNSUPPORTED_ENCODING
from services.ingress.http.openapi_parts import COUNT, JSON, STRING, Document, answer, problems
from services.ingress.http.segment import SETTINGS_PATH, UNUSABLE_MESSAGE
from services.runtime.problems import INTERNAL, NOT_FOUND, TOO_FAST, TOO_LARGE, UNAUTHENTICATED, UNAVAILABLE

_OBJECT: Final[Document] = {"type": "object"}
_TEXT: Final = (
    "As in Segment's HTTP API, so that its SDKs work when pointed here. `200` means that Kafka, with acks=all, has "
    "what the message tells; on `503` send the same again: a repeat with the same `messageId` is absorbed."
)
_BATCH_TEXT: Final = (
    f"{_TEXT} A batch has at most {MAX_MESSAGES} messages and {MAX_BATCH_BYTES} bytes; a message in it that is larger "
    f"than {MAX_MESSAGE_BYTES} bytes, or names nobody, is left out and listed in the answer."
)
_SUMMARIES: Final = {
    "identify": "Say who a visitor is: a user id is a login, traits are profile and attributes",
    "track": "Say what a visitor did",
    "page": "Say which page a visitor saw",
    "screen": "Say which screen of an app a visitor saw",
    "alias": "Say that the visitor `previousId` is the user `userId`",
    "group": "Say which group a visitor belongs to",
}
_MESSAGE: Final[Document] = {
    "description": "A message in Segment's words; it has an `anonymousId`, a `userId`, or both.",
    "type": "object",
    "properties": {
        "type": {"enum": list(_SUMMARIES), "description": "In a batch; elsewhere the path says it."},
        "anonymousId": STRING,
        "userId": STRING,
        "messageId": {**STRING, "description": "By which a repeat is known."},
        "timestamp": {**STRING, "format": "date-time"},
        "sentAt": {**STRING, "format": "date-time", "description": "By the same clock, to set the time right."},
        "event": STRING,
        "name": STRING,
        "properties": _OBJECT,
        "traits": _OBJECT,
        "context": _OBJECT,
        "previousId": STRING,
        "groupId": STRING,
        "writeKey": STRING,
    },
}
_BATCH: Final[Document] = {
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {
            "type": "array",
            "maxItems": MAX_MESSAGES,
            "items": {"$ref": "#/components/schemas/SegmentMessage"},
        },
        "sentAt": {**STRING, "format": "date-time"},
        "context": _OBJECT,
        "writeKey": STRING,
    },
}
_TAKEN: Final[Document] = {
    "type": "object",
    "required": ["success"],
    "properties": {
        "success": {"const": True},
        "ignored": {
            "description": "Messages of a batch that were left out, if any were.",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "reason"],
                "properties": {"index": COUNT, "reason": STRING},
            },
        },
    },
}
SEGMENT_SCHEMAS: Final[Document] = {"SegmentMessage": _MESSAGE, "SegmentBatch": _BATCH, "SegmentTaken": _TAKEN}


def _call(name: str, summary: str, text: str, schema: str) -> Document:
    return {
        "operationId": f"post_{name}",
        "summary": summary,
        "description": text,
        "security": [{"writeKey": []}, {}],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
        },
        "responses": {
            "200": answer("It is in the log", "SegmentTaken"),
        }
        | problems(
            (MALFORMED_BODY, CUT_OFF, UNUSABLE_MESSAGE),
            (UNAUTHENTICATED,),
            (SLOW_BODY,),
            (TOO_LARGE,),
            (TOO_FAST,),
            (UNSUPPORTED_ENCODING,),
            (INTERNAL,),
            (UNAVAILABLE,),
        ),
    }


def _settings() -> Document:
    key = {"name": "write_key", "in": "path", "required": True, "schema": STRING, "description": "The write key."}
    return {
        "operationId": "get_segment_settings",
        "summary": "What the browser's SDK asks before it begins, where its `cdnURL` is this service",
        "parameters": [key],
        "responses": {
            "200": {"description": "The settings, in Segment's form", "content": {JSON: {"schema": _OBJECT}}},
        }
        | problems((NOT_FOUND,), (INTERNAL,), (UNAVAILABLE,)),
    }


SEGMENT_PATHS: Final[Document] = {
    **{f"/v1/{name}": {"post": _call(name, summary, _TEXT, "SegmentMessage")} for name, summary in _SUMMARIES.items()},
    **{
        f"/v1/{name}": {"post": _call(name, f"Say several things at once{more}", _BATCH_TEXT, "SegmentBatch")}
        for name, more in (("batch", ""), ("import", ", as Segment's older SDKs call it"))
    },
    SETTINGS_PATH: {"get": _settings()},
}
