"""What is announced of a quota stays readable, and is what the published schema describes."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from schemas import quota_changes
from schemas.changes import change_in
from schemas.export import export
from schemas.quota_changes import crossing_in, encode_crossing

GOLDEN = (Path(quota_changes.__file__).parent / "golden_quota_changes" / "1.json").read_bytes()


def test_the_golden_crossing_is_written_again_as_it_was() -> None:
    crossing = crossing_in(GOLDEN)
    assert crossing is not None
    assert json.loads(encode_crossing(crossing)) == json.loads(GOLDEN)


def test_the_golden_crossing_is_what_the_published_schema_describes() -> None:
    schema = export("1")["quota-change.schema.json"]
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(GOLDEN))


def test_a_crossing_and_a_change_of_a_customer_have_nothing_in_common() -> None:
    change = (Path(quota_changes.__file__).parent / "golden_changes" / "1.json").read_bytes()
    assert change_in(GOLDEN) is None
    assert crossing_in(change) is None
    assert crossing_in(None) is None
