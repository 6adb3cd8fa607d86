import math
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from schemas.codec import MAX_DEPTH, MAX_EVENT_BYTES, InvalidEvent, decode, from_dict
from services.console.core.letter_details import detail_words, refusal_words
from services.console.http.rendering import translations

WHOLE: Final[dict[str, Any]] = orjson.loads(Path("schemas/golden/tag.added/1.json").read_bytes())


def wrong(**changed: Any) -> dict[str, Any]:
    return WHOLE | changed


def take(record: bytes | dict[str, Any] | None) -> None:
    """Decode a record; a dict is one whose JSON was read already."""
    if isinstance(record, dict):
        from_dict(record)
    else:
        decode(record)


RECORDS: list[bytes | dict[str, Any] | None] = [
    None,
    b"{",
    b"[]",
    b'{"a":"' + b"x" * MAX_EVENT_BYTES + b'"}',
    b'{"a":' * (MAX_DEPTH + 2) + b"1" + b"}" * (MAX_DEPTH + 2),
    wrong(data={"tag": "a\x00b"}),
    wrong(data={"tag": "\ud800"}),
    wrong(data={"tag": 2**70}),
    wrong(data={"tag": math.inf}),
    wrong(data={1: "x"}),
    wrong(schema_version=99),
    wrong(data={}),
    wrong(data={"tag": 5}),
    wrong(data={"tag": ""}),
    wrong(data={"tag": "x" * 100_000}),
    wrong(data=[]),
    wrong(tenant=None),
    wrong(contact={"channel": "pigeon", "account": "shop", "uid": "U1"}),
]


@pytest.mark.parametrize("record", RECORDS)
def test_what_the_codec_refuses_is_said_in_chinese(record: bytes | dict[str, Any] | None) -> None:
    assert from_dict(WHOLE).type == "tag.added"
    with pytest.raises(InvalidEvent) as caught:
        take(record)
    error = caught.value
    found = detail_words(error.detail, translations("zh-Hant").gettext)
    assert not found.english, error.detail
    assert not found.text.isascii()
    assert [one for one in error.detail.replace("'", " ").split() if one.isdecimal() and one not in found.text] == []


def test_a_detail_that_is_not_known_stays_as_it_is() -> None:
    assert detail_words("100 % new: %(name)s", str) == ("100 % new: %(name)s", True)


def test_the_values_of_a_detail_may_hold_anything() -> None:
    assert detail_words("Input should be '%(most)s' or 'b'", str).text.endswith("'%(most)s' or 'b'")


def test_why_a_letter_would_be_refused_again_is_said_in_chinese() -> None:
    chinese = translations("zh-Hant").gettext
    assert refusal_words("invalid_field: Field required", chinese) == detail_words("Field required", chinese)
    assert not refusal_words("the key of its contact was destroyed", chinese).english
    assert refusal_words("something new", chinese) == ("something new", True)
