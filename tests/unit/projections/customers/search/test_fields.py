"""The dictionary of fields says what filters take: neither more nor less."""

from typing import Any

import pytest
from pydantic import ValidationError

from projections.customers.search import filters
from projections.customers.search.fields import FIELDS, FilterField

GROUPS = {"all", "any", "not", "same_contact"}
OPERATORS: dict[str, Any] = {
    "in": ["a"], "set": True, "between": [1, 2], "since": "-1d", "before": "-1d", "starts": "a", "contains": "a",
}  # fmt: skip
FORMS: dict[str, Any] = {"flag": True, "number": 3}


def text_for(field: FilterField) -> str:
    if field.key == "id":
        return "00000000-0000-0000-0000-000000000001"
    return field.choices[0] if field.choices else "size"


def written(field: FilterField, form: str) -> Any:
    if form == "operators":
        name = field.operators[0] if field.operators else "eq"
        return {name: OPERATORS.get(name, 1 if field.kind == "number" else "a")}
    return FORMS.get(form, [text_for(field)] if form == "list" else text_for(field))


def is_filter(value: Any) -> bool:
    try:
        filters.parse(value)
    except ValidationError:
        return False
    return True


def test_every_condition_is_a_field_and_every_field_a_condition() -> None:
    assert {one.key for one in FIELDS} == set(filters.KEYS) - GROUPS


@pytest.mark.parametrize("field", FIELDS, ids=lambda one: one.key)
def test_a_field_takes_the_forms_and_the_operators_that_it_names(field: FilterField) -> None:
    beside: dict[str, Any] = {"eq": "S"} if field.kind == "value" else {}
    taken = {
        form
        for form in ("text", "number", "list", "flag", "operators")
        if is_filter({field.key: written(field, form), **beside})
    }
    assert taken == set(field.forms)
    for name in field.operators:
        value = OPERATORS.get(name, 1 if field.kind in {"number", "tag"} else "a")
        given = {field.key: "size", name: value} if field.kind in {"value", "tag"} else {field.key: {name: value}}
        assert is_filter(given), name


@pytest.mark.parametrize("field", FIELDS, ids=lambda one: one.key)
def test_a_field_is_about_a_contact_where_same_contact_takes_it(field: FilterField) -> None:
    beside: dict[str, Any] = {"eq": "S"} if field.kind == "value" else {}
    within = {"same_contact": {field.key: written(field, field.forms[0]), **beside}}
    assert is_filter(within) == (field.about != "customer")
