"""Segments are opened to what they ask for, within the limits of a filter."""

from typing import Any

import pytest

from projections.customers.search import filters
from projections.customers.search.filters import parse
from projections.customers.search.operators import TextTest
from projections.customers.search.rewriting import MOST_NESTED, SegmentFilters, Unsearchable, expanded, normalised
from projections.identity.resolution.phones import matching_key, spellings_of
from projections.identity.resolution.policy import Policy

VIP = {"tag": "vip"}


def segments(**found: Any) -> SegmentFilters:
    return {name: parse(value) for name, value in found.items()}


def leaves(node: filters.FilterNode) -> list[Any]:
    return [filters.to_json(one) for one in filters.walk(node) if not one.parts]


def test_a_segment_is_opened_where_it_stands() -> None:
    known = segments(vip=VIP, both={"all": [{"segment": "vip"}, {"valid": True}]})
    opened = expanded(parse({"not": {"segment": "both"}}), known)
    assert leaves(opened) == [VIP, {"valid": True}]
    assert filters.to_json(opened) == {"not": {"segment": "both"}}


def nested(times: int, inner: Any) -> Any:
    return {"not": nested(times - 1, inner)} if times else inner


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (segments(), "there is no segment 'a'"),
        (segments(a={"segment": "a"}), "'a' contains itself: a > a"),
        (segments(a={"not": {"segment": "b"}}, b={"any": [VIP, {"segment": "a"}]}), "'a' contains itself: a > b > a"),
        (segments(a={"segment": "gone"}), "there is no segment 'gone'"),
        ({"a": Unsearchable("the segment 'a' can't be read")}, "can't be read"),
        (segments(a={"any": [{"segment": "b"}] * 10}, b={"any": [VIP] * 11}), "more than 100 conditions"),
        (
            segments(a={"segment": "1"}, **{f"{n}": {"segment": f"{n + 1}"} for n in range(1, 40)}),
            "more than 16 levels",
        ),
        (segments(a={"not": {"segment": "b"}}, b=nested(7, {"segment": "c"}), c=nested(7, VIP)), "more than 16 levels"),
    ],
    ids=["unknown", "itself", "cycle", "unknown inside", "unreadable", "leaves", "chain", "levels"],
)
def test_a_segment_that_cannot_be_searched_is_refused_by_name(known: SegmentFilters, why: str) -> None:
    with pytest.raises(Unsearchable, match=why):
        expanded(parse({"segment": "a"}), known)


def test_a_segment_may_stand_in_several_places() -> None:
    known = segments(a={"all": [{"segment": "b"}, {"not": {"segment": "b"}}]}, b=VIP)
    assert leaves(expanded(parse({"any": [{"segment": "a"}, {"segment": "b"}]}), known)) == [VIP] * 3


def test_as_many_levels_as_are_allowed_are_opened() -> None:
    known = segments(**({f"s{n}": {"segment": f"s{n + 1}"} for n in range(40)} | {f"s{MOST_NESTED}": VIP}))
    first = 2  # the leaf is one level, and each segment is one
    assert leaves(expanded(parse({"segment": f"s{first}"}), known)) == [VIP]
    with pytest.raises(Unsearchable, match="16 levels"):
        expanded(parse({"segment": f"s{first - 1}"}), known)


def phones_of(asked: Any, region: str = "TW") -> TextTest:
    node = normalised(parse({"phone": asked}), Policy(default_region=region), 0)
    assert isinstance(node, filters.ByPhone)
    return node.phone


@pytest.mark.parametrize("asked", ["0911111111", "0911-111-111", "+886 911 111 111", "886911111111", "00886911111111"])
def test_a_phone_is_found_as_people_write_it(asked: str) -> None:
    assert phones_of(asked).eq == "+886911111111"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+5511987654321", "+551187654321"),
        ("+5215512345678", "+525512345678"),
        ("+5491123456789", "+541123456789"),
        ("+2290195123456", "+22995123456"),
        ("+2250712345678", "+22512345678"),
        ("+2252712345678", "+2250112345678"),
    ],
)
def test_a_number_that_is_written_in_two_ways_is_found_by_either(one: str, other: str) -> None:
    assert matching_key(one) == matching_key(other)
    assert {one, other} <= set(spellings_of(matching_key(one)))
    for asked, stored in ((one, other), (other, one)):
        assert stored in spellings_of(matching_key(asked))


def test_a_phone_with_two_spellings_has_to_fulfil_every_operator() -> None:
    mobile = "+5511987654321"
    assert set(phones_of({"eq": mobile}).in_ or ()) == {mobile, "+551187654321"}
    assert phones_of({"eq": mobile, "in": ["+886911111111"]}).in_ == []
    assert set(phones_of({"eq": mobile, "in": [mobile, "0911111111"]}).in_ or ()) == {mobile, "+551187654321"}
    assert phones_of({"eq": "nonsense"}).eq == "nonsense"


def test_relative_bounds_of_attributes_are_days_of_the_tenant_and_other_texts_stay() -> None:
    now = 1_767_225_600_000 + 17 * 3_600_000  # 2026-01-01, 17:00 UTC: the second of January in Taipei

    def dated(asked: dict[str, Any]) -> Any:
        node = normalised(parse({"attribute": "born", **asked}), Policy(default_region="TW"), now)
        return {name: value for name, value in filters.to_json(node).items() if name != "attribute"}

    assert dated({"gte": "-30d", "lt": "now"}) == {"gte": "2025-12-03", "lt": "2026-01-02"}
    assert dated({"between": ["-1w", "-90m"]}) == {"between": ["2025-12-26", "2026-01-01T23:30:00"]}
    assert dated({"gt": 3, "lte": "-30 d", "eq": "-30d"}) == {"gt": 3, "lte": "-30 d", "eq": "-30d"}
