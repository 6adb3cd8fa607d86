"""What every translator may rely on."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingress.core.normalize import (
    MalformedBody,
    _cleaned,
    account_name,
    clean,
    clean_text,
    content_hash_id,
    lenient_json,
    parsed_body,
    snake_case,
    word,
)
from tests.support.strategies import json_values, odd_json


class TestCleaning:
    @given(json_values)
    def test_what_is_clean_stays_as_it_is(self, value: Any) -> None:
        assert clean(value) == value

    @given(odd_json)
    def test_what_was_cleaned_is_json_that_reads_back(self, value: Any) -> None:
        assert orjson.loads(orjson.dumps(clean(value))) == clean(value)

    @given(odd_json | st.recursive(odd_json, lambda inner: st.lists(inner, min_size=1, max_size=2), max_leaves=80))
    def test_the_quick_way_gives_what_the_careful_one_does(self, value: Any) -> None:
        assert clean(value) == _cleaned(value)

    @given(odd_json)
    def test_cleaning_twice_changes_nothing_more(self, value: Any) -> None:
        assert clean(clean(value)) == clean(value)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [("", ""), ("a\x00b", "a\ufffdb"), ("\ud83d", "\ufffd"), ("茶\udfff", "茶\ufffd"), ("🍵\n\x01", "🍵\n\x01")],
    )
    def test_only_what_cannot_be_stored_is_replaced(self, text: str, expected: str) -> None:
        assert clean_text(text) == expected

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (True, True),
            (2**64 - 1, 2**64 - 1),
            (2**64, "0x10000000000000000"),
            (float("nan"), None),
            (float("-inf"), None),
            ({1: 2, "a": {3}}, {"a": None}),
            (("a", b"b"), ["a", None]),
        ],
    )
    def test_what_is_no_json_does_not_get_through(self, value: Any, expected: Any) -> None:
        assert clean(value) == expected


class TestWords:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [("a", "a"), (7, "7"), ("a\x00", "a\ufffd"), ("x" * 300, "x" * 255), (10**400, hex(10**400)[:255])],
    )
    def test_a_text_or_a_whole_number_is_a_word(self, value: Any, expected: str) -> None:
        assert word(value) == expected

    @pytest.mark.parametrize("value", ["", None, True, 1.5, [], {}])
    def test_nothing_else_is(self, value: Any) -> None:
        assert word(value) is None


class TestContentHash:
    def test_order_of_keys_does_not_matter(self) -> None:
        assert content_hash_id({"a": 1, "b": {"c": 2, "d": 3}}) == content_hash_id({"b": {"d": 3, "c": 2}, "a": 1})

    def test_it_is_the_digest_of_the_canonical_text(self) -> None:
        # printf '{"a":"茶"}' | sha256sum
        expected = "6a1743ffc8f396b27bbdd2d5f0ec9c9aa05632ee58bafae4abc53c0aa78dec40"
        assert content_hash_id({"a": "茶"}) == f"hash:{expected}"

    @given(json_values, json_values)
    def test_other_content_is_another_event(self, one: Any, other: Any) -> None:
        assert (content_hash_id(one) == content_hash_id(other)) == (_canonical(one) == _canonical(other))

    @given(odd_json)
    def test_any_content_has_one(self, value: Any) -> None:
        assert len(content_hash_id(value)) == len("hash:") + 64


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


class TestLenientJson:
    @given(json_values)
    def test_json_is_read_as_it_is(self, value: Any) -> None:
        assert lenient_json(orjson.dumps(value)) == value

    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            (rb'"\ud83c\udf75"', "🍵"),
            (rb'["\ud800"]', ["\ud800"]),
            (b'["\xff"]', ["\ufffd"]),
            (b"[1e400]", [float("inf")]),
            (b"[NaN]", [None]),
            (b"[" + b"9" * 5_000 + b"]", ["9" * 5_000]),
            (b'["a\nb"]', ["a\nb"]),
        ],
    )
    def test_what_can_be_mended_is_read(self, raw: bytes, expected: Any) -> None:
        assert lenient_json(raw) == expected

    @pytest.mark.parametrize("raw", [b"", b"{", b"{'a':1}", b"[" * 100_000, b"\x00", b"[1,]", b"1 2"])
    def test_what_is_no_json_is_refused(self, raw: bytes) -> None:
        with pytest.raises(MalformedBody):
            lenient_json(raw)


@pytest.mark.parametrize(
    ("name", "ours"),
    [("videoPlayComplete", "video_play_complete"), ("account_update", "account_update"), ("X" * 300, "x" * 100)],
)
def test_a_channels_name_becomes_snake_case(name: str, ours: str) -> None:
    assert snake_case(name) == ours


@pytest.mark.parametrize("value", ["", "a:b", "a|b", "a\x00", "\ud800", "x" * 256, 7, None], ids=repr)
def test_what_can_name_no_account_names_none(value: Any) -> None:
    assert account_name(value) is None
    assert account_name("118720394455016") == "118720394455016"


class TestParsedBody:
    @given(json_values)
    def test_what_is_plain_is_clean(self, value: Any) -> None:
        raw = orjson.dumps(value)
        body = parsed_body(raw)
        assert body.value == lenient_json(raw)
        assert not body.plain or _canonical(clean(body.value)) == _canonical(body.value)

    @pytest.mark.parametrize(
        "raw",
        [rb'"\u0000"', rb'"\ud800"', b'"\xff"', b"[" * 50 + b"]" * 50, b"[1e400]", b'"' + b"x" * 20_000 + b'"'],
        ids=["nul", "lone surrogate", "no utf-8", "deep", "infinite", "large"],
    )
    def test_what_may_have_to_be_cleaned_or_cut_is_not_plain(self, raw: bytes) -> None:
        assert parsed_body(raw) == (lenient_json(raw), False)

    def test_an_ordinary_body_is_plain(self) -> None:
        raw = orjson.dumps({"events": [{"type": "message", "message": {"text": "高山烏龍"}}]})
        assert parsed_body(raw).plain
