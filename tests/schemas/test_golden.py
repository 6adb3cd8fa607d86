"""Promises to everybody who ever wrote an event: what was once valid stays readable, and says the same."""

import json
from pathlib import Path

import pytest

from schemas import codec
from schemas.events import CURRENT_VERSION, EVENT_TYPES, Event
from schemas.upcasting import UPCASTERS

GOLDEN = Path(codec.__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*/*.json"))
UNKNOWN = "line.beacon"


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_golden_file_decodes_to_its_type_at_its_current_version(path: Path) -> None:
    event = codec.decode(path.read_bytes())
    assert event.type == path.parent.name
    assert type(event) is EVENT_TYPES.get(event.type, Event)
    assert event.schema_version == CURRENT_VERSION.get(event.type, 1)


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_golden_file_is_of_the_version_it_is_named_after(path: Path) -> None:
    assert json.loads(path.read_bytes())["schema_version"] == int(path.stem)
    assert int(path.stem) <= CURRENT_VERSION.get(path.parent.name, 1)


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_golden_file_survives_a_round_trip(path: Path) -> None:
    event = codec.decode(path.read_bytes())
    assert codec.decode(codec.encode(event)) == event


@pytest.mark.parametrize(
    "path", [path for path in FILES if int(path.stem) == CURRENT_VERSION.get(path.parent.name, 1)], ids=_name
)
def test_current_golden_file_is_written_again_as_it_was(path: Path) -> None:
    assert json.loads(codec.encode(codec.decode(path.read_bytes()))) == json.loads(path.read_bytes())


@pytest.mark.parametrize("type_name", EVENT_TYPES)
def test_every_released_version_of_a_type_has_a_golden_file(type_name: str) -> None:
    released = {str(version) for version in range(1, CURRENT_VERSION[type_name] + 1)}
    assert {path.stem for path in (GOLDEN / type_name).glob("*.json")} == released


@pytest.mark.parametrize("type_name", EVENT_TYPES)
def test_every_old_version_of_a_type_has_its_upcaster(type_name: str) -> None:
    assert all((type_name, version) in UPCASTERS for version in range(1, CURRENT_VERSION[type_name]))


def test_unknown_type_has_a_golden_file_and_is_kept_as_it_is() -> None:
    raw = (GOLDEN / UNKNOWN / "1.json").read_bytes()
    event = codec.decode(raw)
    assert type(event) is Event
    assert event.data == json.loads(raw)["data"]
