"""Forms of conditions become conditions, and these become sentences."""

from typing import Any

import pytest

from projections.customers.search.fields import FIELDS
from projections.customers.search.filters import parse
from services.console.core.condition_forms import (
    Incomplete,
    changed,
    condition_of,
    equals,
    given_of,
    kept_of,
    operators_of,
    sentence_of,
)
from services.console.http.visits import SentFields

FILLED = [
    ("attribute", "size"), ("value", "7"), ("day", "2026-03-01"), ("count", "2"), ("days", "30"), ("type", "number"),
]  # fmt: skip


def filled_for(key: str) -> list[tuple[str, str]]:
    """The fields of a form with a value that the field of that key takes."""
    known = {"opted_out": "broadcast", "id": "00000000-0000-0000-0000-000000000001"}
    return [(name, known.get(key, one) if name == "value" else one) for name, one in FILLED]


def start_of(day: str) -> str:
    return f"{day}T00:00:00+08:00"


def same(text: str) -> str:
    return text


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_each_operator_of_each_field_gives_a_condition_with_a_sentence(field: Any) -> None:
    for operator, _ in operators_of(field, same):
        values = filled_for(field.key)
        node = condition_of(field.key, SentFields([("operator", operator), *values]), start_of)
        parse(node)
        label, asked = sentence_of(node, "en", same, lambda _, value: value)
        assert label.startswith(field.en)
        assert asked


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_an_empty_form_gives_no_condition(field: Any) -> None:
    if field.kind != "flag":
        with pytest.raises(Incomplete):
            condition_of(field.key, SentFields([]), start_of)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_a_condition_fills_the_form_that_gives_it(field: Any) -> None:
    for operator, _ in operators_of(field, same):
        values = filled_for(field.key)
        node = condition_of(field.key, SentFields([("operator", operator), *values]), start_of)
        given = given_of(node)
        several = [("value", one) for one in given.pop("values", [])]
        form = SentFields([*((name, str(one)) for name, one in given.items() if one != ""), *several])
        assert condition_of(field.key, form, start_of) == node


@pytest.mark.parametrize(
    ("text", "condition", "sentence"),
    [
        ("12", {"in": [12, "12"]}, "is 12"),
        ("1.5", {"in": [1.5, "1.5"]}, "is 1.5"),
        ("true", {"in": [True, "true"]}, "is yes"),
        ("0912", {"eq": "0912"}, "is 0912"),
        ("null", {"eq": "null"}, "is null"),
        ("[1]", {"eq": "[1]"}, "is [1]"),
        ("1" * 30, {"eq": "1" * 30}, "is " + "1" * 30),
    ],
)
def test_a_facet_finds_a_value_whatever_its_type_is(text: str, condition: dict[str, Any], sentence: str) -> None:
    node = equals("points", text)
    assert node == {"attribute": "points", **condition}
    parse(node)
    assert sentence_of(node, "en", same, lambda _, value: value)[1] == sentence


@pytest.mark.parametrize(
    ("node", "operator", "value", "after"),
    [
        ({"contacts": {"gte": 2, "lte": 5}}, "gte", "3", {"contacts": {"gte": 3, "lte": 5}}),
        ({"contacts": {"gt": 2, "lt": 9}}, "lt", "5", {"contacts": {"lt": 5}}),
        (
            {"last_customer": {"since": "-90d", "before": "-30d"}},
            "within",
            "60",
            {"last_customer": {"since": "-60d", "before": "-30d"}},
        ),
        ({"attribute": "a", "between": [1, 5]}, "gte", "2", {"attribute": "a", "gte": 2, "lte": 5}),
        ({"attribute": "a", "gte": 1, "lt": 9}, "gte", "2", {"attribute": "a", "gte": 2, "lt": 9}),
        ({"tag": "vip", "count": {"lte": 3}}, "", "vip", {"tag": "vip", "count": {"lte": 3}}),
    ],
    ids=str,
)
def test_changing_a_condition_keeps_what_the_form_does_not_show(
    node: dict[str, Any], operator: str, value: str, after: dict[str, Any]
) -> None:
    parse(node)
    form = {name: str(one) for name, one in given_of(node).items()}
    # sent as it was opened, it asks the same
    opened = changed(node, condition_of(next(iter(node)), SentFields(list(form.items())), start_of))
    assert given_of(opened) == given_of(node)
    assert kept_of(opened) == kept_of(node)
    form |= {"operator": operator, "value": value}
    found = changed(node, condition_of(next(iter(node)), SentFields(list(form.items())), start_of))
    parse(found)
    assert found == after


def test_another_field_or_another_attribute_keeps_nothing() -> None:
    assert changed({"attribute": "a", "gte": 1, "lt": 9}, {"attribute": "b", "eq": 1}) == {"attribute": "b", "eq": 1}
    assert changed({"contacts": {"gte": 2, "lte": 5}}, {"tag": "vip"}) == {"tag": "vip"}
    assert changed({"last_customer": {"since": "-90d", "before": "-30d"}}, {"last_customer": {"set": False}}) == {
        "last_customer": {"set": False}
    }
