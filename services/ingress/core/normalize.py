"""Helpers of all translators: clean JSON, ids and names.

Nothing here raises on any JSON value, reads a clock, or changes its argument. What ``clean`` returns can be stored by
PostgreSQL, written as JSON, and read back unchanged.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from math import isfinite
from typing import Any, Final, NamedTuple

import orjson

from services.ingress.core.json_values import MOST_VALUES, has_too_many_values

Fields = dict[str, Any]  # a JSON object
MAX_WORD: Final = 255
# Well under codec.MAX_DEPTH: what is cleaned ends up some levels down in an envelope.
_MAX_DEPTH: Final = 48
_JSON_ALONE: Final = (
    orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
)
_NUL_ESCAPE: Final = b"\\u0000"
_LARGEST_PLAIN: Final = 16_384  # bytes: no event made of so few is near the log's limit
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_LONGEST_INTEGER: Final = 20
_ACCOUNT: Final = re.compile(r"[^:|]{1,255}")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST_NAME: Final = 100
_REMEMBERED: Final = 1_024  # names of accounts, and texts that are none: the same ones come again and again


class MalformedBody(ValueError):
    """The body is no JSON."""


class ParsedBody(NamedTuple):
    """The JSON value in a body. If it is ``plain``, ``clean`` changes nothing in it, and no event of it is cut."""

    value: Any
    plain: bool = False


def parsed_body(raw: bytes) -> ParsedBody:
    """What ``lenient_json`` gives. Most bodies are plain, which is found at a glance and saves a look at each value."""
    if len(raw) <= _LARGEST_PLAIN and raw.count(b"{") + raw.count(b"[") <= _MAX_DEPTH and _NUL_ESCAPE not in raw:
        with suppress(orjson.JSONDecodeError):
            return ParsedBody(orjson.loads(raw), plain=True)
    return ParsedBody(lenient_json(raw))


def lenient_json(raw: bytes, most: int = MOST_VALUES) -> Any:
    """The JSON value in a body, of at most so many values.

    Lone surrogates, broken UTF-8 and numbers out of range come through as something ``clean`` can mend. Raises
    MalformedBody if the body can't be read as JSON at all, or holds too many values.
    """
    if has_too_many_values(raw, most):
        raise MalformedBody(f"at most {most} values are taken at once")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _patient_json(raw)


def _patient_json(raw: bytes) -> Any:
    try:
        return json.loads(
            raw.decode("utf-8", "replace"), strict=False, parse_int=_integer, parse_constant=lambda _: None
        )
    except (ValueError, RecursionError):
        raise MalformedBody("the body is no JSON") from None


def _integer(digits: str) -> int | str:
    """A number with more digits than any of ours stays text: reading it costs the square of its length."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits


def clean_text(text: str) -> str:
    """The text with U+FFFD for what can't be stored: NUL characters and lone surrogates."""
    if text.isascii() and "\x00" not in text:
        return text
    return _UNSTORABLE.sub("\ufffd", text)


def clean(value: Any) -> Any:
    """The JSON value with every text clean; what is nested too deep, or no JSON at all, becomes null.

    A value that is clean is returned itself: whoever changes the result copies it before.
    """
    try:
        text = orjson.dumps(value, option=_JSON_ALONE)
    except TypeError:  # a lone surrogate, a number of more than 64 bits, or no JSON
        return _cleaned(value)
    # Nearly every value is clean, and found so in a tenth of the time. A backslash is found sooner than an escape.
    may_be_deep = text.count(b"{") + text.count(b"[") > _MAX_DEPTH
    if may_be_deep or (b"\\" in text and _NUL_ESCAPE in text):
        return _cleaned(value)
    return orjson.loads(text) if b"null" in text else value  # what was no number became null


def _cleaned(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int | float):
        return _clean_number(value)
    if isinstance(value, Mapping) and depth < _MAX_DEPTH:
        return {clean_text(key): _cleaned(inner, depth + 1) for key, inner in value.items() if isinstance(key, str)}
    if isinstance(value, list | tuple) and depth < _MAX_DEPTH:
        return [_cleaned(inner, depth + 1) for inner in value]
    return None


def _clean_number(value: float) -> float | str | None:
    if isinstance(value, int):  # a flag, too, which stays one
        return value if -(2**63) <= value < 2**64 else hex(value)
    return value if isfinite(value) else None


def account_name(value: Any) -> str | None:
    """The value if it can name an account, else None."""
    return value if isinstance(value, str) and _names_account(value) else None


@lru_cache(maxsize=_REMEMBERED)
def _names_account(text: str) -> bool:
    return _ACCOUNT.fullmatch(text) is not None and clean_text(text) == text


def snake_case(name: str) -> str:
    """A channel's own name, such as ``videoPlayComplete``, as the last part of an event type."""
    return _HUMP.sub("_", name[:_LONGEST_NAME]).lower()[:_LONGEST_NAME]


def word(value: Any) -> str | None:
    """A clean text or a whole number as a Word (not empty, not too long), else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(_clean_number(value))
    if not isinstance(value, str):
        return None
    return clean_text(value[:MAX_WORD]) or None


def content_hash_id(content: Any) -> str:
    """An event id from the content: equal content gives the same id, whatever the order of keys."""
    try:
        canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        canonical = orjson.dumps(clean(content), option=orjson.OPT_SORT_KEYS)
    return f"hash:{sha256(canonical).hexdigest()}"
