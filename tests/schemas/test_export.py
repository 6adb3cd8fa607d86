"""The published description agrees with the code, and stands on its own."""

import json
from itertools import chain
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest

from schemas import codec, topics
from schemas.events import CURRENT_VERSION, EVENT_TYPES
from schemas.export import ASYNCAPI_VERSION, DIALECT, Document, asyncapi, export, references, text
from services.changes.signing import OutboundMessage, WebhookForm, signed_headers

DOCUMENTS = export("1.2.3")
SCHEMAS = {path: document for path, document in DOCUMENTS.items() if path.endswith(".schema.json")}
GOLDEN = sorted((Path(codec.__file__).parent / "golden").glob("*/*.json"))


def _resolve(document: Document, reference: str) -> Any:
    start, *steps = reference.split("/")
    assert start == "#", f"{reference} points out of its document"
    node: Any = document
    for step in steps:
        node = node[step]
    return node


def _nodes(node: Any) -> Any:
    yield node
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    yield from chain.from_iterable(map(_nodes, inner))


def test_there_is_a_document_for_every_type_and_for_all_of_them() -> None:
    types = {f"events/{name}.schema.json" for name in (*EVENT_TYPES, "unknown")}
    assert set(DOCUMENTS) == types | {
        "event.schema.json",
        "customer-change.schema.json",
        "quota-change.schema.json",
        "asyncapi.json",
    }


def test_equal_code_gives_equal_bytes() -> None:
    assert [*map(text, export("1.2.3").values())] == [*map(text, DOCUMENTS.values())]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_every_reference_leads_somewhere(path: str) -> None:
    for reference in references(DOCUMENTS[path]):
        assert isinstance(_resolve(DOCUMENTS[path], reference), dict)


@pytest.mark.parametrize("path", SCHEMAS)
def test_schema_carries_no_definition_that_it_does_not_use(path: str) -> None:
    used = {reference.rpartition("/")[2] for reference in references(SCHEMAS[path])}
    assert set(SCHEMAS[path]["$defs"]) == used


@pytest.mark.parametrize("path", SCHEMAS)
def test_schema_names_its_dialect(path: str) -> None:
    assert SCHEMAS[path]["$schema"] == DIALECT


@pytest.mark.parametrize("path", SCHEMAS)
def test_every_object_of_ours_is_described(path: str) -> None:
    for definition in SCHEMAS[path]["$defs"].values():
        assert definition["description"]
        assert "``" not in definition["description"]


@pytest.mark.parametrize("type_name", [*EVENT_TYPES, "unknown"])
def test_every_field_of_the_envelope_is_described(type_name: str) -> None:
    for name, field in SCHEMAS[f"events/{type_name}.schema.json"]["properties"].items():
        assert field["description"], name


@pytest.mark.parametrize("type_name", EVENT_TYPES)
def test_schema_speaks_of_the_current_version(type_name: str) -> None:
    version = SCHEMAS[f"events/{type_name}.schema.json"]["properties"]["schema_version"]
    assert version["const"] == CURRENT_VERSION[type_name]


def test_a_missing_value_is_no_default() -> None:
    for node in _nodes(DOCUMENTS):
        assert not (isinstance(node, dict) and "default" in node and node["default"] is None)


def test_schemas_know_the_tenants_word() -> None:
    tagging = SCHEMAS["events/tag.added.schema.json"]["$defs"]["Tagging"]
    assert tagging["properties"]["tag"] == {"type": "string", "minLength": 1, "maxLength": 255}
    assert tagging["required"] == ["tag"]


class TestAsyncApi:
    document = asyncapi("1.2.3")

    def test_it_is_of_version_3_and_says_which_release_it_is_of(self) -> None:
        assert self.document["asyncapi"] == ASYNCAPI_VERSION
        assert self.document["info"]["version"] == "1.2.3"

    @pytest.mark.parametrize("topic", topics.TOPICS, ids=lambda topic: topic.name)
    def test_every_topic_is_a_channel_with_its_settings(self, topic: topics.Topic) -> None:
        channel = self.document["channels"][topic.name]
        kafka = channel["bindings"]["kafka"]
        assert channel["address"].replace("{prefix}", "onefold") == topic.full_name("onefold")
        assert kafka["partitions"] == topic.partitions
        assert kafka["topicConfiguration"]["retention.ms"] == topic.retention_ms
        assert topic.key in channel["description"]

    @pytest.mark.parametrize("topic", topics.TOPICS, ids=lambda topic: topic.name)
    def test_every_writer_sends_and_every_reader_receives(self, topic: topics.Topic) -> None:
        channel = {"$ref": f"#/channels/{topic.name}"}
        operations = [each for each in self.document["operations"].values() if each["channel"] == channel]
        actions = [each["action"] for each in operations]
        assert (actions.count("send"), actions.count("receive")) == (len(topic.writers), len(topic.readers))

    @pytest.mark.parametrize("form", get_args(WebhookForm))
    def test_outbound_webhooks_are_described_with_the_headers_that_are_sent(self, form: WebhookForm) -> None:
        message = self.document["components"]["messages"][f"webhook-{form}"]
        sent = signed_headers(form, OutboundMessage(UUID(int=1), 1, "acme", "merged", b"{}"), [b"secret"])
        assert message["headers"]["required"] == list(message["headers"]["properties"]) == list(sent)
        operation = self.document["operations"]["worker.send.webhook-endpoints"]
        assert operation["action"] == "send"
        for reference in operation["messages"]:
            assert _resolve(self.document, _resolve(self.document, reference["$ref"])["$ref"])["payload"]

    @pytest.mark.parametrize("type_name", EVENT_TYPES)
    def test_every_type_is_a_message_with_its_payload_and_key(self, type_name: str) -> None:
        message = self.document["components"]["messages"][type_name]
        payload = _resolve(self.document, message["payload"]["$ref"])
        assert payload["properties"]["type"]["const"] == type_name
        assert topics.CHANNEL_EVENTS.key in message["bindings"]["kafka"]["key"]["description"]

    def test_an_operation_names_only_messages_of_its_channel(self) -> None:
        for operation in self.document["operations"].values():
            for message in operation["messages"]:
                assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")


class TestValidation:
    """A validator that shares no code with pydantic reads the same."""

    @pytest.fixture
    def validator(self) -> Any:
        jsonschema = pytest.importorskip("jsonschema", reason="needs the jsonschema package")
        return jsonschema.Draft202012Validator

    @pytest.mark.parametrize("path", SCHEMAS)
    def test_schema_is_one(self, validator: Any, path: str) -> None:
        validator.check_schema(SCHEMAS[path])

    @pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.parent.name)
    def test_golden_file_is_valid(self, validator: Any, golden: Path) -> None:
        name = golden.parent.name if golden.parent.name in EVENT_TYPES else "unknown"
        event = json.loads(codec.encode(codec.decode(golden.read_bytes())))
        assert validator(SCHEMAS[f"events/{name}.schema.json"]).is_valid(event)
        assert validator(SCHEMAS["event.schema.json"]).is_valid(event)

    @pytest.mark.parametrize(
        "change",
        [
            {"occurred_at": 1_762_401_600},
            {"occurred_at": "2025-11-06"},
            {"tenant": "A|b"},
            {"contact": {"channel": "line", "account": "a:b", "uid": "U1"}},
            {"type": ""},
            {"surprise": 1},
            {"data": {"tag": ""}},
            {"data": {"tag": "VIP", "expires_after": 0}},
        ],
        ids=str,
    )
    def test_what_the_codec_refuses_is_invalid(self, validator: Any, change: Document) -> None:
        tagged = json.loads(next(path for path in GOLDEN if path.parent.name == "tag.added").read_bytes()) | change
        with pytest.raises(codec.InvalidEvent):
            codec.from_dict(tagged)
        assert not validator(SCHEMAS["event.schema.json"]).is_valid(tagged)
