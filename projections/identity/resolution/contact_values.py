"""Phone numbers and e-mail addresses in a text as people fill in a field, each to be stated by itself.

This removes what people write around values; ``projections.identity.resolution.values`` decides what a value is. So a
text in which nothing is recognised is given back as it is, to be stated and warned of. An extension is not the person's
number and is left out.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

MOST_VALUES: Final = 10
_LONGEST: Final = 512  # as long as an event's values; NFKC takes quadratic time
_FEWEST_DIGITS: Final = 7  # of what stands beside another number
_MOST_DIGITS: Final = 15

_PLAIN_PHONE: Final = re.compile(r"\s*\+?[0-9][0-9 ().-]{5,24}")
_PHONE_ADDRESS: Final = re.compile(r"\s*(?:(?:tel|sms|callto|whatsapp)\s*:(?://)?|https?://wa\.me/)", re.IGNORECASE)
_PARAMETERS: Final = re.compile(r";(?:ext|isub|phone-context)=[^;]*|\?.*", re.IGNORECASE | re.DOTALL)
_CONTEXT: Final = re.compile(r";phone-context=(\+[0-9-]+)", re.IGNORECASE)
_LINES: Final = re.compile(r"[\n\r\t]+")
_BLANKS: Final = re.compile(r"\s+")
_EXTENSION: Final = re.compile(
    r"[,;]? ?\(? ?(?:extension|extn?\.?|x|#|~|分機|分机|內線|内線|内线|轉|转|내선)[ .:#=]*[0-9]{1,7} ?#? ?\)?"
    r"(?= ?(?:$|[;,、/|&或和及]|or\b|and\b))",
    re.IGNORECASE,
)
_PAUSE: Final = re.compile(r"(?:,+|;) ?[0-9]{1,6} ?#?$")
_REMARK: Final = re.compile(r"\((?![0-9+ -]*\))[^()]*\)")
_WORDS_AFTER: Final = re.compile(r" ?[^\W\d_][^\d]*$")
_BETWEEN_PHONES: Final = re.compile(r"[;,、/|&或和及]+| (?:or|and) ", re.IGNORECASE)
_BLANK_BETWEEN_PHONES: Final = re.compile(r" (?=\+)|(?<=[0-9]) (?=[0-9]{9})|(?<=[0-9]{7}) (?=\(?0[0-9])")

_PLAIN_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_MAILTO: Final = re.compile(r"\s*mailto:", re.IGNORECASE)
_LABEL: Final = re.compile(r"[^@:]{1,20}:\s*(?=[^\s:])")
_QUOTED: Final = re.compile(r'"[^"]*"(?=\s*[<(])')
_BRACKETED: Final = re.compile(r"[<(]\s*(?:mailto:)?([^<>()\s]+@[^<>()\s]+)\s*[>)]", re.IGNORECASE)
_BRACKETED_REMARK: Final = re.compile(r"\([^()@]*\)")
_BETWEEN_EMAILS: Final = re.compile(r" (?:or|and|&|或|和|及) |[;,、| /]+", re.IGNORECASE)
_AROUND_EMAIL: Final = "\"'<>()[].,;:"


def contact_values(type_name: str, text: str) -> tuple[str, ...]:
    """The values in a text that is filled in for an identifier of the type; the text alone for every other type."""
    if type_name == "phone":
        return phones_in(text)
    return emails_in(text) if type_name == "email" else (text,)


def phones_in(text: str) -> tuple[str, ...]:
    """The numbers in the text, each once, in their order; the text alone where none is recognised."""
    if _PLAIN_PHONE.fullmatch(text) and _digits(text) <= _MOST_DIGITS:
        return (text,)
    plain = _plain(text)
    if _PHONE_ADDRESS.match(plain):
        plain = _from_address(plain)
    plain = _without(_EXTENSION, _REMARK.sub(" ", plain).strip())
    parts = _parts(_without(_PAUSE, plain))
    return _distinct((_without(_WORDS_AFTER, one) for part in parts for one in _split_at_blanks(part)), text)


def emails_in(text: str) -> tuple[str, ...]:
    """The addresses in the text, each once, in their order; the text alone where none is recognised.

    Words beside an address are a name only if the address is in brackets: else it may be a part of a misspelt one.
    """
    if _PLAIN_EMAIL.fullmatch(text):
        return (text,)
    plain = _plain(text)
    if _MAILTO.match(plain):
        plain = unquote(_MAILTO.sub("", plain).partition("?")[0])
    plain = _LABEL.sub("", _BRACKETED_REMARK.sub(" ", plain.strip()), count=1).strip()
    named = _BRACKETED.search(plain) is not None
    if named:
        plain = _BRACKETED.sub(r", \1 ,", _QUOTED.sub(",", plain))
    found = [part.strip(_AROUND_EMAIL) for part in _BETWEEN_EMAILS.split(plain)]
    return _distinct((one for one in found if "@" in one or not named), text, needed="@")


def _plain(text: str) -> str:
    """The text in usual characters, a semicolon for the end of a line; an empty one where it is too long."""
    plain = unicodedata.normalize("NFKC", text) if len(text) <= _LONGEST else ""
    return _BLANKS.sub(" ", _LINES.sub(";", plain.strip())) if len(plain) <= _LONGEST else ""


def _from_address(text: str) -> str:
    """The number of a ``tel:`` address, with the country code of its context."""
    context = _CONTEXT.search(text)
    number = unquote(_PARAMETERS.sub("", _PHONE_ADDRESS.sub("", text)))
    return f"{context[1]}{number}" if context and not number.startswith("+") else number


def _without(pattern: re.Pattern[str], text: str) -> str:
    """The text without what matches, unless too few digits for a number are left."""
    rest = pattern.sub("", text)
    return rest if _digits(rest) >= _FEWEST_DIGITS else text


def _parts(plain: str) -> list[str]:
    """The text split at its separators, if each part may be a number: a slash or a comma may also stand within one."""
    parts = [part for part in _BETWEEN_PHONES.split(plain) if part.strip()]
    return parts if all(_digits(part) >= _FEWEST_DIGITS for part in parts) else [plain]


def _split_at_blanks(part: str) -> list[str]:
    parts = _BLANK_BETWEEN_PHONES.split(part.strip())
    return parts if all(_digits(one) >= _FEWEST_DIGITS for one in parts) else [part]


def _digits(text: str) -> int:
    return sum(one.isdecimal() for one in text)


def _distinct(found: Iterable[str], text: str, needed: str = "") -> tuple[str, ...]:
    """The values without repeats; the text alone where they are none, too many, or one lacks what it needs."""
    values = tuple(dict.fromkeys(filter(None, (one.strip() for one in found))))
    return values if 0 < len(values) <= MOST_VALUES and all(needed in one for one in values) else (text,)
