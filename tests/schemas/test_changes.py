"""What was once told of customers stays readable, and says the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas import changes
from schemas.changes import CustomerChange, change_key, decode_change, encode_change
from schemas.codec import InvalidEvent
from schemas.export import export

FILES = sorted((Path(changes.__file__).parent / "golden_changes").glob("*.json"))
SCHEMA = export("1")["customer-change.schema.json"]


def _changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(FILES[-1].read_bytes()) | fields).encode()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_golden_change_is_of_the_version_it_is_named_after(path: Path) -> None:
    assert json.loads(path.read_bytes())["schema_version"] == int(path.stem)
    assert isinstance(decode_change(path.read_bytes()), CustomerChange)


def test_current_golden_change_is_written_again_as_it_was() -> None:
    raw = FILES[-1].read_bytes()
    assert json.loads(encode_change(decode_change(raw))) == json.loads(raw)


def test_golden_change_is_what_the_published_schema_describes() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads(FILES[-1].read_bytes()))


def test_key_keeps_a_customers_changes_together() -> None:
    change = decode_change(FILES[-1].read_bytes())
    assert change_key(change.tenant, change.customer_id) == b"qingshan|4f3c9a1e-77b0-8d52-9c41-0be2a6d5f318"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"seq": 0}, "seq"),
        ({"type": "forgotten"}, "type"),
        ({"causes": []}, "causes"),
        ({"customer_id": "somebody"}, "customer_id"),
        ({"more": 1}, "more"),
    ],
)
def test_what_is_no_change_is_refused_by_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        decode_change(_changed(**fields))
    assert refused.value.field == field
