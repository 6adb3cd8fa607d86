"""Phone numbers to E.164, by ``phonenumbers``, with a short cut for the ordinary ones; and to their matching keys.

Parsing and checking a number costs some 70 µs, a million of them more than a minute. Most are mobile numbers written
plainly, in a country that has its calling code to itself: there the library's own tables answer with two regular
expressions. The short cut only ever says yes, and only where the library says the same; all else goes the long way.
"""

import re
import unicodedata
from functools import cache, lru_cache
from typing import Final, Literal, NamedTuple

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, NumberParseException, PhoneMetadata, PhoneNumberFormat

Check = Literal["valid", "possible"]
_PLAIN: Final = re.compile(r"\+?[0-9]{7,15}")
_CODE_LENGTHS: Final = (1, 2, 3)
# Digits that one person's number has in one spelling and lacks in another, by country: Brazil's ninth digit, Mexico's 1
# and Argentina's 9 of mobiles, Benin's 01 and the Ivory Coast's prefixes of 2021.
_DROPPED: Final = {
    "+55": (re.compile(r"(\+55[0-9]{2})9([6-9][0-9]{7})"), r"\1\2"),
    "+52": (re.compile(r"(\+52)1([0-9]{10})"), r"\1\2"),
    "+54": (re.compile(r"(\+54)9([0-9]{10})"), r"\1\2"),
    "+22": (re.compile(r"(\+229)01([0-9]{8})|(\+225)(?:0[157]|2[157])([0-9]{8})"), r"\1\2\3\4"),
}

_DROPPED_AT: Final = (3, 4, 5)  # characters of a number before such digits
_DROPPED_DIGITS: Final = ("1", "9", "01", "05", "07", "21", "25", "27")


class _Mobiles(NamedTuple):
    """The mobile numbers of the one region of a calling code."""

    code: str
    lengths: frozenset[int]
    general: re.Pattern[str]
    mobile: re.Pattern[str]
    prefix: str | None
    prefix_for_parsing: re.Pattern[str] | None
    prefix_is_plain: bool
    dial_out: re.Pattern[str] | None

    def has(self, national: str) -> bool:
        """Whether these national digits are such a number, and the library would leave them as they are."""
        return (
            len(national) in self.lengths
            and not (self.prefix_for_parsing and self.prefix_for_parsing.match(national))
            and self.mobile.fullmatch(national) is not None
            and self.general.fullmatch(national) is not None
        )


def read_phone(text: str, region: str, check: Check, *, intrinsic: bool) -> str | None:
    """The number in E.164 as a person or a channel meant it; None where it can't be read as one.

    First as it is written, in the tenant's region; else its digits alone, as an international number. What a channel
    vouches for is kept as its digits even where neither reads.
    """
    number = e164(text, region, check)
    if number is not None:
        return number
    digits = "".join([str(unicodedata.decimal(char)) for char in text if char.isdecimal()])
    international = f"+{digits.removeprefix('00')}"
    return e164(international, region) or (international if intrinsic and digits else None)


def matching_key(number: str) -> str:
    """What spellings of one person's number have in common; ``number`` is in E.164."""
    dropped = _DROPPED.get(number[:3])
    if dropped is None:
        return number
    whole = dropped[0].fullmatch(number)
    return whole.expand(dropped[1]) if whole else number


def spellings_of(key: str) -> list[str]:
    """Every number in E.164 that has this matching key."""
    if key[:3] not in _DROPPED:
        return [key]
    longer = (key[:place] + digits + key[place:] for place in _DROPPED_AT for digits in _DROPPED_DIGITS)
    return [one for one in (key, *longer) if matching_key(one) == key]


def e164(text: str, region: str, check: Check = "valid") -> str | None:
    """The number in E.164, or None where the library finds none; ``region`` reads numbers without a country code."""
    if _PLAIN.fullmatch(text):
        short = _plain_international(text) if text[0] == "+" else _plain_national(text, region)
        if short is not None:
            return short
    return _parsed(text, region, check)


def _plain_international(text: str) -> str | None:
    for length in _CODE_LENGTHS:
        mobiles = _of_code(text[1 : 1 + length])
        if mobiles:
            return text if mobiles.has(text[1 + length :]) else None
    return None


def _plain_national(text: str, region: str) -> str | None:
    mobiles = _of_region(region)
    if mobiles is None or not mobiles.prefix_is_plain or mobiles.prefix is None or not text.startswith(mobiles.prefix):
        return None
    national = text[len(mobiles.prefix) :]
    if mobiles.dial_out and mobiles.dial_out.match(text):
        return None
    return f"+{mobiles.code}{national}" if mobiles.has(national) else None


@cache
def _of_code(code: str) -> _Mobiles | None:
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code), ()) if code[0] != "0" else ()
    return _mobiles(code, regions[0]) if len(regions) == 1 else None


@cache
def _of_region(region: str) -> _Mobiles | None:
    code = str(phonenumbers.country_code_for_region(region))
    mobiles = _of_code(code) if code != "0" else None
    return mobiles if mobiles and COUNTRY_CODE_TO_REGION_CODE[int(code)] == (region,) else None


def _mobiles(code: str, region: str) -> _Mobiles | None:
    known = PhoneMetadata.metadata_for_region(region)
    if known is None or known.mobile is None or known.general_desc is None:
        return None
    general, mobile = known.general_desc, known.mobile
    if not general.national_number_pattern or not mobile.national_number_pattern:
        return None
    return _Mobiles(
        code=code,
        lengths=frozenset(mobile.possible_length or general.possible_length) & frozenset(general.possible_length),
        general=re.compile(general.national_number_pattern),
        mobile=re.compile(mobile.national_number_pattern),
        prefix=known.national_prefix,
        prefix_for_parsing=_compiled(known.national_prefix_for_parsing),
        prefix_is_plain=known.national_prefix == known.national_prefix_for_parsing == "0"
        and known.national_prefix_transform_rule is None,
        dial_out=_compiled(known.international_prefix),
    )


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    return re.compile(pattern) if pattern else None


@lru_cache(maxsize=1 << 17)
def _parsed(text: str, region: str, check: Check) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    good = phonenumbers.is_valid_number(number) if check == "valid" else phonenumbers.is_possible_number(number)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if good else None
