"""What is kept of an event is canonical: it depends on the event as it is written into the log, on nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from projections.identity.resolution.statements import record_of
from schemas import codec
from schemas.codec import decode, encode, from_dict
from schemas.events import Event
from tests.support.strategies import events

GOLDEN = sorted((Path(codec.__file__).parent / "golden").glob("*/*.json"))
UNKNOWN: dict[str, Any] = json.loads(GOLDEN[0].read_bytes()) | {
    "type": "of.no.known.type",
    "schema_version": 1,
    "data": {"b": None, "a": [None, {"f": 1e300, "n": 2**64 - 1, "t": "\u2028"}]},
}


def written(event: Event) -> str:
    logged = json.loads(encode(event))
    content = [logged.get("data", {}), logged["intrinsic"]]
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_golden_events_are_kept_as_they_are_written(path: Path) -> None:
    event = decode(path.read_bytes())
    assert json.loads(record_of(event).content) == json.loads(written(event))


def test_an_event_of_an_unknown_type_keeps_what_is_null() -> None:
    event = from_dict(UNKNOWN)
    assert json.loads(record_of(event).content) == json.loads(written(event))


@given(events())
def test_any_event_is_kept_as_it_is_written(event: Event) -> None:
    assert json.loads(record_of(event).content) == json.loads(written(event))


def test_keys_are_sorted_without_spaces_and_nothing_is_escaped() -> None:
    first, second = (from_dict(UNKNOWN | {"data": data}) for data in ({"b": "é", "a": 1}, {"a": 1, "b": "é"}))
    assert record_of(first).content == record_of(second).content
    assert record_of(first).content.startswith('[{"a":1,"b":"é"},')
