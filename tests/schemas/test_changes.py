"""What was once told of customers stays readable, and says the same."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from schemas import changes
from schemas.changes import (
    MAX_CAUSES,
    CustomerChange,
    Moved,
    apply_change,
    change_key,
    decode_change,
    encode_change,
    in_parts,
)
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
        ({"part": 0}, "part"),
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


MEBIBYTE = 1_048_576
CONTACTS = [f"web:{'店' * 255}:{number:0200d}\x01" for number in range(3_000)]


def _large(came: int, went: int) -> CustomerChange:
    """A change of a customer of 3,000 contacts with long keys: some came from many customers, some went."""
    came_from = [Moved(customer_id=UUID(int=number), contacts=[CONTACTS[number]]) for number in range(came)]
    went_to = [Moved(customer_id=UUID(int=number), contacts=[CONTACTS[-1 - number]]) for number in range(went)]
    fields = {"came_from": came_from, "went_to": went_to, "causes": ["漢" * 255] * MAX_CAUSES}
    before, after = CONTACTS[came:], CONTACTS[: len(CONTACTS) - went]
    return decode_change(_changed()).model_copy(update={"before": before, "after": after, **fields})


def test_an_ordinary_change_is_one_record_that_lists_all_contacts() -> None:
    change = decode_change(_changed())
    assert in_parts(change) == [change]


@pytest.mark.parametrize(("came", "went"), [(1_500, 700), (3_000, 0), (0, 3_000), (1, 0), (0, 1)])
def test_parts_are_small_and_come_to_the_whole_change(came: int, went: int) -> None:
    parts = in_parts(_large(came, went))
    contacts = set(CONTACTS[came:])
    for part in map(decode_change, map(encode_change, parts)):
        apply_change(part, contacts)
    assert contacts == set(CONTACTS[: len(CONTACTS) - went])
    assert max(len(encode_change(part)) for part in parts) < MEBIBYTE
    assert [(part.seq, part.part, part.parts) for part in parts] == [(3, n + 1, len(parts)) for n in range(len(parts))]


def test_a_change_of_a_large_customer_is_no_larger_than_what_it_moves() -> None:
    (part,) = in_parts(_large(came=1, went=0).model_copy(update={"causes": ["e1"]}))
    assert (part.before, part.after) == (None, None)
    assert len(encode_change(part)) < 2_000


def test_parts_keep_where_each_contact_came_from_and_went_to() -> None:
    change = _large(came=1_500, went=700)
    parts = in_parts(change)
    assert [move for part in parts for move in part.came_from] == change.came_from
    assert [move for part in parts for move in part.went_to] == change.went_to


def test_contacts_of_one_customer_stay_together_within_a_part() -> None:
    change = _large(came=0, went=0).model_copy(update={"came_from": [Moved(contacts=CONTACTS)]})
    assert all(len(part.came_from) == 1 for part in in_parts(change))


@pytest.mark.parametrize(
    "contact", ["web:shop:c1", "line:oa1:\x01\x1f", "crm:main:王小明", "crm:main:\U0001f600", 'web:shop:"\\']
)
def test_what_contacts_weigh_at_the_most_is_no_less_than_what_they_weigh(contact: str) -> None:
    contacts = [contact] * 3
    assert changes._most_weight(contacts) >= changes._weight(contacts)
