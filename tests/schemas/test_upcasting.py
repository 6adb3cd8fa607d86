"""Old events climb to the current version one step at a time."""

from typing import Any

import orjson
import pytest

from schemas import codec, upcasting
from schemas.events import registry
from schemas.upcasting import TypeVersion, Upcaster, upcast


def _tag_as_text(raw: dict[str, Any]) -> dict[str, Any]:
    """Version 1 of a made-up past: the data were the tag alone, under ``name``."""
    return raw | {"data": {"label": raw["data"]["name"]}}


def _label_is_tag(raw: dict[str, Any]) -> dict[str, Any]:
    return raw | {"data": {"tag": raw["data"]["label"]}}


STEPS: dict[TypeVersion, Upcaster] = {("tag.added", 1): _tag_as_text, ("tag.added", 2): _label_is_tag}


def _envelope(version: int | None, data: dict[str, Any]) -> dict[str, Any]:
    envelope: dict[str, Any] = {
        "event_id": "e1",
        "tenant": "demo",
        "contact": {"channel": "line", "account": "oa1", "uid": "U1"},
        "type": "tag.added",
        "occurred_at": 1_762_401_600_000,
        "received_at": 1_762_401_600_000,
        "source": "api",
        "data": data,
    }
    return envelope if version is None else envelope | {"schema_version": version}


@pytest.mark.parametrize(
    ("version", "data"),
    [(None, {"name": "VIP"}), (1, {"name": "VIP"}), (2, {"label": "VIP"}), (3, {"tag": "VIP"})],
)
def test_every_version_arrives_at_the_same_event(version: int | None, data: dict[str, Any]) -> None:
    assert upcast(_envelope(version, data), STEPS) == _envelope(3, {"tag": "VIP"})


def test_a_step_changes_nothing_that_it_was_given() -> None:
    old = _envelope(1, {"name": "VIP"})
    upcast(old, STEPS)
    assert old == _envelope(1, {"name": "VIP"})


def test_an_unknown_type_stays_as_it_is() -> None:
    unknown = _envelope(1, {"name": "VIP"}) | {"type": "line.beacon"}
    assert upcast(unknown, STEPS) == unknown


@pytest.fixture
def _third_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.CURRENT_VERSION, "tag.added", 3)
    for step, upcaster in STEPS.items():
        monkeypatch.setitem(upcasting.UPCASTERS, step, upcaster)


@pytest.mark.usefixtures("_third_version")
class TestDecoding:
    def test_an_old_record_is_read_as_a_current_event(self) -> None:
        event = codec.decode(orjson.dumps(_envelope(1, {"name": "VIP"})))
        assert codec.data_json(event) == '{"tag":"VIP"}'
        assert event.schema_version == 3

    def test_an_old_record_that_never_was_valid_is_refused(self) -> None:
        with pytest.raises(codec.InvalidEvent) as refused:
            codec.decode(orjson.dumps(_envelope(1, {"nome": "VIP"})))
        assert refused.value.reason == "invalid_field"

    def test_a_record_from_the_future_is_refused(self) -> None:
        with pytest.raises(codec.InvalidEvent) as refused:
            codec.decode(orjson.dumps(_envelope(4, {"tag": "VIP"})))
        assert (refused.value.reason, refused.value.field) == ("future_version", "schema_version")
