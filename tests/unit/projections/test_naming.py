"""Rows that name an erased contact are told from others, in whichever form they have its key."""

from uuid import UUID

import orjson
import pytest

from projections.erasures.naming import names_erased

OWN, OTHER = "web:shop:c1", "line:oa:U1:x"
IDS = {OWN: UUID(int=1), OTHER: UUID(int=2)}
PARTS = dict(zip(("channel", "account", "uid"), OTHER.split(":", 2), strict=True))


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (orjson.dumps({"linked_contact": PARTS}).decode(), True),
        (orjson.dumps([{"identifiers": [{"type": "contact", "value": OTHER}]}]).decode(), True),
        (OTHER, True),
        (orjson.dumps({"linked_contact": PARTS | {"uid": "U2"}}).decode(), False),
        (orjson.dumps({"contact": OWN}).decode(), False),
        ("{no JSON", False),
        (None, False),
        (7, False),
    ],
)
def test_a_key_is_found_in_texts_and_in_json(value: object, named: bool) -> None:
    erased = {UUID(int=1), UUID(int=2)}  # its own id counts for nothing: it came anew
    found = names_erased(IDS[OWN], ["acme", value], erased.__contains__, lambda key: IDS.get(key, UUID(int=9)))
    assert found is named
