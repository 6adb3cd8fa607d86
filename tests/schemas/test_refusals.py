"""Where a refusal says that something is wrong: as the one wrote it who reads the refusal."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from projections.bulk_actions.order import BulkOrder
from projections.customers.search.filters import parse
from schemas.refusals import refusals

_DEEP: Any = {"not": {"not": {"tag": "vip"}, "extra": 1}}


def _of(read: Any, written: Any) -> set[str]:
    with pytest.raises(ValidationError) as refused:
        read(written)
    return {one.place for one in refusals(refused.value.errors(), written)}


@pytest.mark.parametrize(
    ("filter_", "places"),
    [
        ({"phone": {"in": "x"}}, {"phone.in"}),
        ({"all": [{"tag": "a"}, {"tag": "b"}, {"phone": {"in": [1]}}]}, {"all[2].phone.in[0]"}),
        ({"all": []}, {"all"}),
        ({"any": [{"not": {"tag": 1}}]}, {"any[0].not.tag"}),
        (_DEEP, {"not.extra"}),
        ({"not": _DEEP}, {"not.not.extra"}),
        ({"same_contact": {"all": [{"channel": 7}]}}, {"same_contact.all[0].channel"}),
        ({"same_contact": {"tag": "vip"}}, {""}),
        ({"tag": "vip", "count": {"gte": "2"}}, {"count.gte"}),
        ({"tag": "vip", "since": "soon"}, {"since"}),
        ({"attribute": "size", "between": [1]}, {"between"}),
        ({"attribute": "size", "in": ["S", None]}, {"in[1]"}),
        ({"attribute": "size"}, {""}),
        ({"last_customer": {"after": "-3d"}}, {"last_customer.after"}),
        ({"last_customer": {"before": "2026-13-01T00:00:00Z"}}, {"last_customer.before"}),
        ({"opted_out": "sms"}, {"opted_out"}),
        ({"opted_out": ["sms"]}, {"opted_out[0]", "opted_out"}),
        ({"bound": 3}, {"bound"}),
        ({"id": ["x"]}, {"id[0]"}),
        ({"tag": "a", "name": "b"}, {""}),
        ({"all": [{"colour": "red"}]}, {"all[0]"}),
        ([], {""}),
    ],
)
def test_a_condition_is_named_as_it_is_written(filter_: Any, places: set[str]) -> None:
    assert _of(parse, filter_) == places


@pytest.mark.parametrize(
    ("action", "places"),
    [
        ({"do": "tag"}, {"action.tag"}),
        ({"do": "tag", "tag": 7}, {"action.tag"}),
        ({"do": "unsubscribe", "kinds": ["sms"]}, {"action.kinds[0]"}),
        ({"do": "shout"}, {"action"}),
        ({"do": "tag", "tag": "vip", "colour": 1}, {"action.colour"}),
    ],
)
def test_the_kinds_of_a_union_are_not_named(action: Any, places: set[str]) -> None:
    written = {"filter": {"tag": "vip"}, "action": action}
    assert _of(BulkOrder.model_validate, written) == places


def test_a_value_that_is_of_none_of_several_types_is_told_once_in_words_of_json() -> None:
    either = TypeAdapter(list[int] | dict[str, int])
    with pytest.raises(ValidationError) as refused:
        either.validate_python("x")
    (found,) = refusals(refused.value.errors(), "x")
    assert found == ("", "Input should be a valid list; or: Input should be a valid object")


def test_a_name_is_shown_printable_and_short() -> None:
    assert _of(parse, {"tag": "a", "\x1b" + "x" * 100: 1}) == {"x" * 64}
