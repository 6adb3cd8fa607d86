"""What the routes of members, campaigns and commands take and answer, for the OpenAPI document."""

from typing import Any, Final, get_args

from schemas.events.conversation import Purpose
from services.ingress.core.contact_commands import EVERY_KIND
from services.ingress.core.contact_lists import FORMS
from services.ingress.core.members import DEFAULT_ACCOUNT
from services.ingress.core.statements import MOST_ATTRIBUTES, MOST_IDENTIFIERS, MOST_TAGS
from services.ingress.handlers.campaigns import MOST_REFUSED
from services.ingress.http import campaigns, contact_commands, members
from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, SLOW_BODY, UNSUPPORTED_ENCODING
from services.ingress.http.openapi_parts import COUNT, JSON, STRING, Document, answer, problems
from services.runtime.problems import (
    FORBIDDEN,
    INTERNAL,
    INVALID_REQUEST,
    NOT_FOUND,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Kind,
)

WAIT: Final[Document] = {
    "name": "wait",
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "Answer only once readers see it, or after ten seconds; `visible` says which.",
}
VISIBLE: Final[Document] = {"type": "boolean", "description": "Whether readers see it; told to whoever waited."}
_KEY: Final[Document] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": 255},
    "description": "What you call this request: sent again with the same key and content, it changes nothing more.",
}
_IDS: Final[Document] = {"type": "array", "items": STRING}
_IDENTIFIER: Final[Document] = {
    "type": "object",
    "required": ["type", "value"],
    "properties": {"type": {"type": "string", "examples": ["phone", "x_card"]}, "value": STRING},
}
_ASSERTED: Final[Document] = {
    **_IDENTIFIER,
    "properties": {**_IDENTIFIER["properties"], "assurance": {"enum": ["claimed", "verified"], "default": "claimed"}},
}
_TAG: Final[Document] = {
    "oneOf": [
        {"type": "string", "minLength": 1, "maxLength": 255},
        {
            "type": "object",
            "required": ["tag"],
            "properties": {
                "tag": STRING,
                "source": STRING,
                "expires_after": {"type": "integer", "minimum": 1, "maximum": 365, "description": "whole days"},
            },
        },
    ]
}
_TAG_LISTS: Final[Document] = {
    name: {"type": "array", "maxItems": MOST_TAGS, "items": {"$ref": "#/components/schemas/SaidTag"}}
    for name in ("add", "remove")
}
_SCALAR: Final[list[Document]] = [{"type": kind} for kind in ("string", "number", "boolean")]
_VALUE: Final[Document] = {
    "description": "A value, bare or with its type; null takes the attribute away.",
    "oneOf": [
        *_SCALAR,
        {"type": "null"},
        {
            "type": "object",
            "required": ["value"],
            "properties": {
                "value": {"oneOf": _SCALAR},
                "type": {"enum": ["text", "number", "date", "datetime", "boolean"]},
            },
        },
    ],
}
_VALUES: Final[Document] = {
    "type": "object",
    "maxProperties": MOST_ATTRIBUTES,
    "additionalProperties": {"$ref": "#/components/schemas/SaidAttribute"},
}
_REACHED_BY: Final[Document] = {
    "description": "Text is a claim; say `verified` of what was checked to be the member's.",
    "oneOf": [
        {"type": ["string", "integer", "null"]},
        {"type": "object", "properties": {"value": STRING, "verified": {"type": "boolean", "default": False}}},
    ],
}
_FORMER: Final[Document] = {"type": ["string", "null"], "description": "The one it was, to be taken back."}
_OR_NULL: Final[Document] = {"type": ["string", "null"]}


def _list_of(schema: str, most: int = MOST_IDENTIFIERS) -> Document:
    return {"type": "array", "maxItems": most, "items": {"$ref": f"#/components/schemas/{schema}"}}


_MEMBER: Final[Document] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "member_id": {"type": ["string", "integer"], "description": "Needed unless the path names it."},
        "account": {"type": "string", "description": "The CRM's name, over the request's."},
        "event_id": {**_OR_NULL, "description": "What you call this statement of yours."},
        "updated_at": {"type": ["integer", "null"], "description": "Since when it is so, ms since 1970 UTC."},
        "via": {"enum": ["api", "import"]},
        "display_name": _OR_NULL,
        "avatar": _OR_NULL,
        "locale": _OR_NULL,
        "phone": {"$ref": "#/components/schemas/ReachedBy"},
        "email": {"$ref": "#/components/schemas/ReachedBy"},
        "previous_phone": _FORMER,
        "previous_email": _FORMER,
        "identifiers": _list_of("SaidIdentifier"),
        "unbind": {**_list_of("NamedIdentifier"), "description": "What is the member's no longer."},
        "tags": {"type": "object", "additionalProperties": False, "properties": _TAG_LISTS},
        "attributes": _VALUES,
    },
}
_COMMANDS: Final[dict[str, tuple[str, Document]]] = {
    "unsubscribe": ("Opt a contact out of marketing", {"kinds": {}, "by": _OR_NULL}),
    "resubscribe": ("Opt a contact in to marketing", {"kinds": {}, "by": _OR_NULL}),
    "tags": ("Tag a contact, and take tags away", {**_TAG_LISTS, "source": STRING}),
    "attributes": (
        "Set and unset a contact's attributes",
        {"set": _VALUES, "unset": {"type": "array", "maxItems": MOST_ATTRIBUTES, "items": STRING}},
    ),
    "unbind": (
        "Undo what ties a contact to others",
        {
            "identifiers": _list_of("NamedIdentifier"),
            "linked_contact": {"type": ["string", "object", "null"], "description": "A contact, by its key."},
            "by": {"type": "string", "description": "Who says so."},
            "note": {**_OR_NULL, "description": "Why."},
        },
    ),
}
_KINDS: Final[Document] = {
    "type": "array",
    "minItems": 1,
    "items": {"enum": list(EVERY_KIND)},
    "description": "Left out: all.",
}


def _command(name: str) -> Document:
    properties = {field: _KINDS if field == "kinds" else schema for field, schema in _COMMANDS[name][1].items()}
    required = {"required": ["by"]} if name == "unbind" else {}
    return {"type": "object", "additionalProperties": False, "properties": properties, **required}


_ALWAYS: Final = ((UNAUTHENTICATED,), (FORBIDDEN,), (SLOW_BODY,), (TOO_LARGE,), (INTERNAL,), (UNAVAILABLE,))


def _problems(*refused: Kind) -> Document:
    return problems((MALFORMED_BODY, CUT_OFF), (UNSUPPORTED_ENCODING,), refused, *_ALWAYS)


def _query(name: str, schema: Document, description: str) -> Document:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _path(name: str, description: str) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": STRING, "description": description}


_ENCODED: Final = "percent-encoded: a slash is `%2F`"
_ACCOUNT: Final = _query("account", {"type": "string", "default": DEFAULT_ACCOUNT}, "The CRM's name.")
_MEMBER_TEXT: Final = (
    "Says what the CRM knows of a member now, as a contact `crm:account:member_id` whose member id is intrinsic. What "
    "is left out, null or empty says nothing, but that a null attribute is taken away: to replace a phone, name the "
    "former one as `previous_phone`, or in `unbind`. `202` means that Kafka, with acks=all, has it; on `503` send the "
    "same again. The same content with the same `event_id`, else `Idempotency-Key`, else `updated_at` is absorbed."
)


def _put(name: str, summary: str, schema: Document, result: str, *, lines: bool = False) -> Document:
    content: Document = {JSON: {"schema": schema}}
    if lines:
        content["application/x-ndjson"] = {"schema": {"type": "string", "description": "One record a line."}}
    return {
        "operationId": name,
        "summary": summary,
        "description": _MEMBER_TEXT,
        "security": [{"key": []}],
        "parameters": [_ACCOUNT, WAIT, _KEY],
        "requestBody": {"required": lines, "content": content},
        "responses": {"202": answer("It is in the log", result)},
    }


def _put_member() -> Document:
    said = _put("put_member", "Say what a CRM knows of a member", {"$ref": "#/components/schemas/Member"}, "Receipt")
    said["parameters"] = [_path("member_id", _ENCODED), *said["parameters"]]
    said["responses"] |= _problems(members.NO_MEMBER, INVALID_REQUEST)
    return said


def _put_members() -> Document:
    many = {"type": "array", "items": {"$ref": "#/components/schemas/Member"}}
    said = _put("put_members", "Say what a CRM knows of many members", many, "MembersResult", lines=True)
    said["responses"] |= _problems(members.NO_ACCEPTABLE_MEMBER, INVALID_REQUEST)
    return said


def _post_command(name: str) -> Document:
    contact = [_path("channel", "such as `line`"), _path("account", "the brand's side of it"), _path("uid", _ENCODED)]
    return {
        "operationId": f"post_contact_{name}",
        "summary": _COMMANDS[name][0],
        "description": "An event of now in the log; `202` means that Kafka, with acks=all, has it.",
        "security": [{"key": []}],
        "parameters": [*contact, WAIT, _KEY],
        "requestBody": {"content": {JSON: {"schema": _command(name)}}},
        "responses": {"202": answer("It is in the log", "Receipt")}
        | _problems(contact_commands.NO_COMMAND, INVALID_REQUEST)
        | problems((NOT_FOUND,)),
    }


_TERMS: Final = [
    _query("purpose", {"enum": list(get_args(Purpose)), "default": "broadcast"}, "What the message is for."),
    _query("agent", STRING, "Who sent it."),
    _query("text", STRING, "What it says, where a line says nothing else."),
    _query("send_id", STRING, "What you call this send; left out: the Idempotency-Key, or else the campaign's name."),
    _query("sent_at", {"type": "integer"}, "When, ms since 1970 UTC; left out: now."),
]
_LIST: Final[dict[str, str]] = {
    "ndjson": "One contact a line: its key as a string, or an object of `contact` (or `channel`, `account`, `uid`), "
    "`text`, `message_id`. A first line that names no contact may say what the query can.",
    "csv": "UTF-8; the first line names the columns: `contact`, or `channel`, `account` and `uid`; `text`, "
    "`message_id`.",
    "text": "One contact key a line.",
}


def _post_campaign() -> Document:
    return {
        "operationId": "post_campaign_messages",
        "summary": "Say that a campaign was sent to many contacts",
        "description": "A list of any length, streamed: each line is a `team.message_sent` of its contact, validated "
        "alone. A send writes to a contact once, so on `503`, which tells in `accepted` how many the log has already, "
        "send the same again.",
        "security": [{"key": []}],
        "parameters": [_path("campaign", f"the campaign's name, {_ENCODED}"), *_TERMS, _KEY],
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": "string", "description": _LIST[form]}} for kind, form in FORMS.items()
            },
        },
        "responses": {"202": answer("Every message that was accepted is in the log", "CampaignResult")}
        | _problems(campaigns.NO_CAMPAIGN, campaigns.NO_ACCEPTABLE_LINE, INVALID_REQUEST)
        | problems((UNSUPPORTED_ENCODING, campaigns.UNSUPPORTED_LIST)),
    }


def _object(required: list[str], **properties: Any) -> Document:
    return {"type": "object", "required": required, "properties": properties}


_RESULT: Final[Document] = _object(
    ["index", "status"],
    index=COUNT,
    status={"enum": ["accepted", "rejected"]},
    event_ids=_IDS,
    problem={"$ref": "#/components/schemas/Problem"},
)
_LINE: Final[Document] = _object(["line", "reason", "detail"], line=COUNT, reason=STRING, detail=STRING, field=STRING)

PATHS: Final[Document] = {
    "/v1/members": {"put": _put_members()},
    "/v1/members/{member_id}": {"put": _put_member()},
    campaigns.PATH: {"post": _post_campaign()},
    **{f"{contact_commands.PATH}/{name}": {"post": _post_command(name)} for name in contact_commands.COMMANDS},
}
SCHEMAS: Final[Document] = {
    "Member": _MEMBER,
    "ReachedBy": _REACHED_BY,
    "NamedIdentifier": _IDENTIFIER,
    "SaidIdentifier": _ASSERTED,
    "SaidTag": _TAG,
    "SaidAttribute": _VALUE,
    "Receipt": _object(["event_ids"], event_ids=_IDS, visible=VISIBLE),
    "MembersResult": _object(
        ["accepted", "rejected", "results"],
        accepted=COUNT,
        rejected=COUNT,
        results={"type": "array", "items": {"$ref": "#/components/schemas/MemberResult"}},
        visible=VISIBLE,
    ),
    "MemberResult": _RESULT,
    "CampaignResult": _object(
        ["send_id", "accepted", "rejected", "refused", "refused_left_off"],
        send_id=STRING,
        accepted=COUNT,
        rejected=COUNT,
        refused={"type": "array", "maxItems": MOST_REFUSED, "items": {"$ref": "#/components/schemas/RefusedLine"}},
        refused_left_off=COUNT,
    ),
    "RefusedLine": _LINE,
}
