"""The wire format for readers of other languages: JSON Schema for events, AsyncAPI for topics.

The documents are generated from the event classes and the topics, so they can't differ from the code; the same code
gives the same bytes. The schemas describe what may be sent; in the log, a field without a value is left out.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from schemas.changes import CustomerChange
from schemas.codec import MAX_DEPTH, MAX_EVENT_BYTES
from schemas.events import CURRENT_VERSION, EVENT_TYPES, Event
from schemas.quota_changes import QuotaCrossed
from schemas.topics import CHANNEL_EVENTS, CUSTOMER_CHANGES, DEAD_LETTERS, IDENTITY_EVIDENCE, TOPICS, Topic

Document = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ASYNCAPI_VERSION: Final = "3.0.0"
KAFKA_BINDING_VERSION: Final = "0.5.0"
UNKNOWN: Final = "UnknownEvent"
CHANGE: Final = CustomerChange.__name__
CROSSING: Final = QuotaCrossed.__name__
EVENT_NAMES: Final = {name: cls.__name__ for name, cls in EVENT_TYPES.items()}
WEBHOOKS: Final = "webhook-endpoints"
HTTP_BINDING_VERSION: Final = "0.3.0"

_WEBHOOK_HEADERS: Final = {
    "webhook-standard": {
        "webhook-id": "The same at each attempt to send the message.",
        "webhook-timestamp": "Seconds since 1970.",
        "webhook-signature": "`v1,` and the base64 of the HMAC-SHA256 of id, timestamp and body, with dots between.",
    },
    "webhook-omnichat": {
        "X-Omnichat-Event-Id": "The same at each attempt to send the message: 24 hexadecimal digits.",
        "X-Omnichat-Topic": "`customer/` and the type of the change.",
        "X-Omnichat-Timestamp": "Milliseconds since 1970.",
        "X-Omnichat-Team": "The tenant.",
        "X-Omnichat-Signature": "HMAC-SHA256 of the body, in hexadecimal digits.",
    },
}
_COMPONENT: Final = "#/components/schemas/{model}"
_ENVELOPE: Final = {
    "event_id": "The source's own id of what happened. The same id for the same contact is the same event.",
    "tenant": "The brand. Every key and every query carries it.",
    "contact": "The contact that the event is about; null for an event without one, such as a tenant's setting.",
    "account": "The account that an event without a contact is about, such as a mention or a group's message.",
    "type": "What happened.",
    "occurred_at": "When it happened by the source's clock: integer, milliseconds since 1970, UTC.",
    "received_at": "When Onefold received it: integer, milliseconds since 1970, UTC.",
    "source": "The name of the connected source that sent it, or `api`.",
    "schema_version": "The version of the type that this event was written at.",
    "intrinsic": "Identifiers that the channel itself guarantees, e.g. a LINE user id with its provider.",
    "data": "The fields of this type.",
}
_UNKNOWN_DESCRIPTION: Final = "An event of a type that Onefold does not know: kept, shown, and changing nothing else."
_LIMITS: Final = (
    f"An event is at most {MAX_EVENT_BYTES} bytes of JSON, {MAX_DEPTH} levels deep, without NUL characters."
)


def export(version: str) -> dict[str, Document]:
    """Every document by its relative path; ``version`` is the version of Onefold."""
    definitions = _definitions("#/$defs/{model}")
    files = {
        f"events/{type_name}.schema.json": _one_type(cls_name, definitions)
        for type_name, cls_name in (EVENT_NAMES | {"unknown": UNKNOWN}).items()
    }
    return files | {
        "event.schema.json": _any_type(definitions),
        "customer-change.schema.json": _change_alone(CHANGE),
        "quota-change.schema.json": _change_alone(CROSSING),
        "asyncapi.json": asyncapi(version),
    }


def text(document: Document) -> str:
    """The document as it is written to a file."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


class _Plain(GenerateJsonSchema):
    """Schemas without field titles, and without defaults that only mean "absent"."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        if isinstance(inner.get("type"), str) and "enum" not in inner:
            return inner | {"type": [inner["type"], "null"]}
        return {"anyOf": [inner, {"type": "null"}]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        described = super().default_schema(schema)
        if "default" in described and described["default"] is None:
            del described["default"]
        return described


def _definitions(ref_template: str) -> dict[str, Document]:
    """Every class by its name; the fields of the envelopes are described."""
    classes: list[type[BaseModel]] = [*EVENT_TYPES.values(), Event]
    _, schema = models_json_schema(
        [(cls, "validation") for cls in classes], ref_template=ref_template, schema_generator=_Plain
    )
    definitions: dict[str, Document] = schema["$defs"]
    definitions[UNKNOWN] = _unknown(definitions.pop("Event"))
    # Its own schema is empty; give it a description.
    definitions["JsonValue"] = {"description": "Any JSON value."}
    definitions.pop("Frozen", None)
    for name in (*EVENT_NAMES.values(), UNKNOWN):
        _explain(definitions[name])
    for type_name, name in EVENT_NAMES.items():
        _pin_version(definitions[name], CURRENT_VERSION[type_name])
    return {name: _readable(definition) for name, definition in sorted(definitions.items())}


def _change_definitions(ref_template: str) -> dict[str, Document]:
    classes: list[type[BaseModel]] = [CustomerChange, QuotaCrossed]
    _, schema = models_json_schema(
        [(cls, "validation") for cls in classes], ref_template=ref_template, schema_generator=_Plain
    )
    return {name: _readable(definition) for name, definition in sorted(schema["$defs"].items())}


def _change_alone(name: str) -> Document:
    definitions = _change_definitions("#/$defs/{model}")
    own = definitions[name]
    return {"$schema": DIALECT} | own | {"$defs": _needed(own, definitions)}


def _pin_version(envelope: Document, current: int) -> None:
    """A schema describes the current version only; an event without a version is at version 1."""
    version = {"description": _ENVELOPE["schema_version"], "type": "integer", "const": current}
    envelope["properties"]["schema_version"] = version | ({"default": 1} if current == 1 else {})
    if current > 1:
        envelope["required"].append("schema_version")


def _readable(definition: Document) -> Document:
    """Title, description and type come first; code is quoted as in Markdown, not as in a docstring."""
    first = {key: definition[key] for key in ("title", "description", "type") if key in definition}
    if "description" in first:
        first["description"] = _markdown(first["description"])
    return first | {key: value for key, value in definition.items() if key not in first}


def _markdown(docstring: str | None) -> str:
    return (docstring or "").strip().replace("``", "`")


def _unknown(event: Document) -> Document:
    properties = event["properties"] | {
        "type": {"type": "string", "minLength": 1, "maxLength": 255, "not": {"enum": list(EVENT_TYPES)}},
        "data": {"type": "object", "additionalProperties": True, "default": {}},
    }
    return event | {"title": UNKNOWN, "description": _UNKNOWN_DESCRIPTION, "properties": properties}


def _explain(envelope: Document) -> None:
    for field, words in _ENVELOPE.items():
        described = envelope["properties"][field]
        # JSON Schema allows other keywords beside a reference since 2019-09.
        envelope["properties"][field] = {"description": words} | described


def _one_type(name: str, definitions: dict[str, Document]) -> Document:
    own = definitions[name]
    return {"$schema": DIALECT, "$comment": _LIMITS} | own | {"$defs": _needed(own, definitions)}


def _any_type(definitions: dict[str, Document]) -> Document:
    return {
        "$schema": DIALECT,
        "$comment": _LIMITS,
        "title": "Event",
        "description": "Any event: one of the known types, or one that is kept without being understood.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in (*EVENT_NAMES.values(), UNKNOWN)],
        "$defs": definitions,
    }


def _needed(start: Document, definitions: dict[str, Document]) -> dict[str, Document]:
    """The definitions that a schema refers to, directly or through others."""
    found: dict[str, Document] = {}
    todo = list(references(start))
    while todo:
        name = todo.pop().rpartition("/")[2]
        if name not in found:
            found[name] = definitions[name]
            todo.extend(references(found[name]))
    return dict(sorted(found.items()))


def references(node: Any) -> Iterable[str]:
    """Every ``$ref`` in a document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def asyncapi(version: str) -> Document:
    """The topics with their messages, writers and readers, as an AsyncAPI 3 document."""
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {
            "title": "Onefold",
            "version": version,
            "description": f"Every channel's contacts, one customer. The log is the source of truth. {_LIMITS}",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"default": "127.0.0.1:9092", "description": "host:port of a broker"}},
            },
            "webhooks": {
                "host": "{receiver}",
                "protocol": "https",
                "description": "A tenant's own: `POST /v1/webhook-endpoints` has the tenant's changes sent to it.",
                "variables": {"receiver": {"default": "example.com", "description": "host:port of the endpoint's URL"}},
            },
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS} | {WEBHOOKS: _webhooks()},
        "operations": {name: operation for topic in TOPICS for name, operation in _operations(topic)}
        | {f"worker.send.{WEBHOOKS}": _sending_webhooks()},
        "components": {"messages": _messages(), "schemas": _definitions(_COMPONENT) | _change_definitions(_COMPONENT)},
    }


def _channel(topic: Topic) -> Document:
    configuration = {
        "cleanup.policy": ["delete"],
        "retention.ms": topic.retention_ms,
        "max.message.bytes": topic.largest_record,
    }
    return {
        "address": f"{{prefix}}.{topic.name}",
        "servers": [{"$ref": "#/servers/kafka"}],
        "description": f"Holds {topic.holds}. Keyed by {topic.key}.",
        "parameters": {"prefix": {"default": "onefold", "description": "The deployment's prefix."}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _held(topic)},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": KAFKA_BINDING_VERSION,
            }
        },
    }


def _webhooks() -> Document:
    return {
        "address": "{path}",
        "servers": [{"$ref": "#/servers/webhooks"}],
        "description": "A customer's changes in their order, each until it is answered with 2xx.",
        "parameters": {"path": {"description": "The path of the endpoint's URL."}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _WEBHOOK_HEADERS},
    }


def _sending_webhooks() -> Document:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{WEBHOOKS}"},
        "summary": "`worker` sends each change to the tenant's endpoints, with the headers of the endpoint's form.",
        "messages": [{"$ref": f"#/channels/{WEBHOOKS}/messages/{name}"} for name in _WEBHOOK_HEADERS],
        "bindings": {"http": {"method": "POST", "bindingVersion": HTTP_BINDING_VERSION}},
    }


def _webhook(name: str) -> Document:
    headers = {header: {"type": "string", "description": words} for header, words in _WEBHOOK_HEADERS[name].items()}
    return {
        "name": name,
        "title": "Change",
        "summary": "A change of a customer, or of a tenant's quota, as `GET /v1/changes` has it.",
        "contentType": "application/json",
        "headers": {"type": "object", "properties": headers, "required": list(headers)},
        "payload": {"oneOf": [{"$ref": f"#/components/schemas/{one}"} for one in (CHANGE, CROSSING)]},
    }


def _held(topic: Topic) -> list[str]:
    """The names of the messages in a topic."""
    if topic in (CHANNEL_EVENTS, IDENTITY_EVIDENCE):
        return [*EVENT_TYPES, "unknown"]
    return ["customer-change", "quota-change"] if topic is CUSTOMER_CHANGES else ["dead-letter"]


def _operations(topic: Topic) -> Iterable[tuple[str, Document]]:
    for action, processes, verb in (("send", topic.writers, "writes"), ("receive", topic.readers, "reads")):
        for process in processes:
            yield (
                f"{process}.{action}.{topic.name}",
                {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{topic.name}"},
                    "summary": f"`{process}` {verb} {topic.holds}.",
                    "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in _held(topic)],
                },
            )


def _messages() -> dict[str, Document]:
    known = {name: _message(name, cls.__name__, _markdown(cls.__doc__)) for name, cls in EVENT_TYPES.items()}
    return known | {
        "unknown": _message("unknown", UNKNOWN, _UNKNOWN_DESCRIPTION),
        "customer-change": _change_message("customer-change", CustomerChange, f"{CUSTOMER_CHANGES.key}."),
        "quota-change": _change_message("quota-change", QuotaCrossed, "tenant|nil UUID."),
        "dead-letter": _dead_letter(),
        **{name: _webhook(name) for name in _WEBHOOK_HEADERS},
    }


def _change_message(name: str, cls: type[BaseModel], key: str) -> Document:
    return {
        "name": name,
        "title": cls.__name__,
        "summary": _markdown(cls.__doc__).partition("\n")[0],
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{cls.__name__}"},
        "bindings": _key_binding(key),
    }


def _message(name: str, schema: str, summary: str) -> Document:
    return {
        "name": name,
        "title": schema,
        "summary": summary,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{schema}"},
        "bindings": _key_binding(
            f"In `{CHANNEL_EVENTS.name}`: {CHANNEL_EVENTS.key}. In `{IDENTITY_EVIDENCE.name}`: {IDENTITY_EVIDENCE.key}."
        ),
    }


def _dead_letter() -> Document:
    names = ("reason", "detail", "field", "topic", "partition", "offset", "key", "left_out")
    return {
        "name": "dead-letter",
        "title": "DeadLetter",
        "summary": "A record that is not an event: the bytes as they came; the headers have the reason and the origin. "
        "It may come more than once, with the same key.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": {name: {"type": "string"} for name in names}},
        "bindings": _key_binding(f"{DEAD_LETTERS.key}."),
    }


def _key_binding(description: str) -> Document:
    key = {"type": "string", "description": description}
    return {"kafka": {"key": key, "bindingVersion": KAFKA_BINDING_VERSION}}
