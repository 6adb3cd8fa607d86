"""A value has to be of the type that its key is defined with; a key without a definition takes any."""

import pytest

from projections.attributes.value_types import type_refusal
from schemas.events.profile import AttributeType, AttributeValue

TYPES: dict[str, AttributeType] = {
    "name": "text",
    "points": "number",
    "birthday": "date",
    "seen": "datetime",
    "vip": "boolean",
}


@pytest.mark.parametrize(
    ("key", "value", "stated", "fits"),
    [
        ("name", "王", None, True),
        ("name", "王", "text", True),
        ("name", 5, None, False),
        ("points", 5, None, True),
        ("points", 5.5, "number", True),
        ("points", True, None, False),
        ("points", "5", None, False),
        ("birthday", "2001-02-03", None, True),
        ("birthday", "2001-02-03", "date", True),
        ("birthday", "", None, True),
        ("birthday", "3 February", None, False),
        ("birthday", "2001-02-30", "date", False),
        ("birthday", "2001-02-03", "text", False),
        ("seen", "2022-11-01T14:16:00", "datetime", True),
        ("seen", "yesterday", "datetime", False),
        ("vip", False, "boolean", True),
        ("vip", 0, None, False),
        ("other", "anything", None, True),
        ("other", 5, "number", True),
    ],
)
def test_a_value_fits_its_definition_or_not(
    key: str, value: bool | float | str, stated: AttributeType | None, fits: bool
) -> None:
    refusal = type_refusal(AttributeValue(key=key, value=value, type=stated), TYPES)
    assert (refusal is None) == fits
    if refusal is not None:
        assert f"{key} is defined as {TYPES[key]}" in refusal
