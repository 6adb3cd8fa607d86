import re
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

import pytest

from projections.registry import PROJECTIONS
from schemas.events import EVENT_TYPES, Event
from schemas.topics import TOPICS

PAGE: Final = (Path(__file__).parents[3] / "docs" / "events.md").read_text(encoding="utf-8")
TABLE_NAMES: Final = {one.table.name for one in PROJECTIONS}


class Row(NamedTuple):
    type: str
    meaning: str
    data: str
    changes: str


def table_of_types() -> list[Row]:
    section = PAGE.partition("## The types")[2].partition("## Topics")[0]
    cells = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [Row(*(cell.strip() for cell in row)) for row in cells]


def fields_in(text: str) -> dict[str, bool]:
    """The fields that a cell names, and whether it says that they are required."""
    outside_brackets = re.sub(r"\([^)]*\)", "", text)
    return {name: bold != "" for bold, name in re.findall(r"(\*\*)?`([a-z_]+)`", outside_brackets)}


def literals(annotation: Any) -> set[str]:
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return set().union(*(literals(inner) for inner in get_args(annotation)))


def test_the_page_lists_every_type_once() -> None:
    assert sorted(row.type.strip("`") for row in table_of_types()) == sorted(EVENT_TYPES)


@pytest.mark.parametrize("row", table_of_types(), ids=lambda row: row.type)
def test_the_page_lists_a_types_fields_and_their_values(row: Row) -> None:
    data = EVENT_TYPES[row.type.strip("`")].model_fields["data"].annotation
    assert data is not None
    fields = data.model_fields
    assert fields_in(row.data) == {name: field.is_required() for name, field in fields.items()}
    values = set().union(*(literals(field.annotation) for field in fields.values()))
    assert set(re.findall(r"(?<!\*)\*([a-z_]+)\*(?!\*)", row.data)) == values


@pytest.mark.parametrize("row", table_of_types(), ids=lambda row: row.type)
def test_the_page_names_the_read_models_that_listen_to_a_type(row: Row) -> None:
    listeners = {one.table.name for one in PROJECTIONS if one.types and row.type.strip("`") in one.types}
    named = set(re.findall(r"`([a-z]+)`", row.changes)) & TABLE_NAMES
    assert named - {"contacts"} == listeners


def test_the_page_lists_the_envelopes_fields() -> None:
    section = PAGE.partition("## The envelope")[2].partition("### Time")[0]
    rows = dict(re.findall(r"^\| ((?:\*\*)?`[a-z_]+`(?:\*\*)?) \| (.*) \|$", section, re.MULTILINE))
    named = {name: required for cell in rows for name, required in fields_in(cell).items()}
    assert named == {name: field.is_required() for name, field in Event.model_fields.items()}


def test_the_page_lists_every_topic_with_its_key() -> None:
    rows = dict(
        re.findall(r"^\| `([a-z-]+)` \| (.*?) \|", PAGE.partition("## Topics")[2].replace("\\|", "/"), re.MULTILINE)
    )
    assert {name: key.strip("`") for name, key in rows.items()} == {
        one.name: one.key.replace("|", "/") for one in TOPICS
    }
