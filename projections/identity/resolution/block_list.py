"""Block lists: regular expressions of values that belong to nobody, such as "null" or a shop's own number.

A tenant writes them and anybody writes the values, so matching takes time linear in the value: RE2 matches a tenant's
patterns. It has no backreferences and no look-around, and it refuses what would take too much memory. The default
patterns are matched by ``re``, which answers sooner for patterns that are known to be harmless.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import re2

DEFAULT_BLOCKED: Final = (
    "[0-]*",  # nothing, zeros and dashes
    "-1",
    "null",
    r"\(null\)",
    "none",
    "nil",
    "nan",
    "n/?a",
    "undefined",
    "unknown",
    "anonymous",
    r"\[object object\]",
    r"test@test\.com",
)
# No member's id: what sites send where nobody is logged in.
DEFAULT_BLOCKED_MEMBER_IDS: Final = (
    "true",
    "false",
    "guest",
    "user",
    "id",
    "test",
    "visitor",
    "distinct_id",
    "not_authenticated",
    r"\[\]",
    r"\{\}",
    "''",
    '""',
    "訪客",
    "未登入",
)
MAX_PATTERNS: Final = 1000
MAX_PATTERN_LENGTH: Final = 200
MAX_PATTERNS_LENGTH: Final = 20_000  # of all patterns of a list together
_MAX_MEMORY: Final = 1 << 20  # bytes of a compiled list
_HARMLESS: Final = frozenset({*DEFAULT_BLOCKED, *DEFAULT_BLOCKED_MEMBER_IDS})
_NOTHING: Final = "(?!)"
_HUGE_COUNT: Final = re.compile(r"(?<!\\)\{(?:[0-9]*,)?[0-9]{5}")  # RE2 reads a count that overflows as plain text


class InvalidPattern(ValueError):
    """This can't be a pattern of a block list; the message says why."""


class BlockList:
    """Whether a value is blocked: one of the patterns matches it whole, whatever its case.

    Raises InvalidPattern where a pattern is no regular expression of RE2, or the patterns are too many or too long.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        patterns = tuple(patterns)
        if len(patterns) > MAX_PATTERNS or sum(map(len, patterns)) > MAX_PATTERNS_LENGTH:
            raise InvalidPattern(f"at most {MAX_PATTERNS} patterns of {MAX_PATTERNS_LENGTH:,} characters in all")
        own = [pattern for pattern in patterns if pattern not in _HARMLESS]
        for pattern in own:
            _check(pattern)
        self._default = re.compile(
            "|".join(pattern for pattern in patterns if pattern in _HARMLESS) or _NOTHING, re.IGNORECASE
        )
        self._own = _compiled("|".join(f"(?:{pattern})" for pattern in own)) if own else None

    def blocks(self, value: str) -> bool:
        """Whether the value is blocked. Never raises."""
        if self._default.fullmatch(value):
            return True
        return self._own is not None and self._own.fullmatch(value.encode(errors="surrogatepass")) is not None


@lru_cache(maxsize=1024)
def block_list(patterns: tuple[str, ...]) -> BlockList:
    """The list of these patterns; it is compiled once. Raises InvalidPattern."""
    return BlockList(patterns)


def _check(pattern: str) -> None:
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise InvalidPattern(f"a pattern is at most {MAX_PATTERN_LENGTH} characters")
    if _HUGE_COUNT.search(pattern):
        raise InvalidPattern(f"{pattern!a} repeats something too often")
    _compiled(pattern)


def _compiled(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MAX_MEMORY
    try:
        return re2.compile(pattern.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        raise InvalidPattern(f"{pattern[:MAX_PATTERN_LENGTH]!a} is no regular expression: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "it is not Unicode text"
    text = error.args[0] if error.args else ""
    return ascii(text.decode(errors="replace") if isinstance(text, bytes) else str(text)).strip("'\"")
