"""One spelling for each value, or none."""

import phonenumbers
import pytest
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumberType

from projections.identity.resolution.phones import _parsed, e164
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import normalise


@pytest.mark.parametrize(
    ("type_name", "value", "spelt"),
    [
        ("member_id", "  M7 ", "M7"),
        ("member_id", "m7", "m7"),
        ("member_id", "00123", "00123"),
        ("email", " Amy@Example.TW ", "amy@example.tw"),
        ("email", "amy@example", None),
        ("email", "amy example@example.tw", None),
        ("email", "a@b@example.tw", None),
        ("email", "amy@example..tw", None),
        ("email", "TEST@test.com", None),
        ("line_user", " p:U1 ", "p:U1"),
        ("line_user", "p:", None),
        ("line_user", ":U1", None),
        ("facebook_user", "7", None),
        ("whatsapp_user", "b:TW.123", "b:TW.123"),
        ("contact", "web:shop:c:1", "web:shop:c:1"),
        ("contact", "web:shop: ", "web:shop: "),
        ("contact", "fax:shop:c1", None),
        ("contact", "web:shop:", None),
        ("contact", " web:shop:c1", None),
        ("x_card", " 7 ", "7"),
        ("x_card", "   ", None),
        ("shoe_size", "42", None),
    ],
)
def test_values_are_spelt_one_way_or_are_no_evidence(type_name: str, value: str, spelt: str | None) -> None:
    assert normalise(type_name, value, Policy()) == spelt


@pytest.mark.parametrize(
    "written",
    [
        "0911111111",
        "0911-111-111",
        "(09) 1111 1111",
        "886911111111",
        "+886 911 111 111",
        "".join(chr(ord(digit) + 0xFEE0) for digit in "0911111111"),  # full width, as East Asian keyboards type
    ],
)
def test_a_phone_has_one_spelling_however_it_is_written(written: str) -> None:
    assert normalise("phone", written, Policy()) == "+886911111111"


def test_the_policys_region_reads_numbers_without_a_country_code() -> None:
    assert normalise("phone", "9123 4567", Policy(default_region="HK")) == "+85291234567"
    assert normalise("phone", "+886911111111", Policy(default_region="HK")) == "+886911111111"


def test_a_policy_may_take_numbers_that_are_only_possible() -> None:
    assert normalise("phone", "+15550001111", Policy()) is None
    assert normalise("phone", "+15550001111", Policy(phones="possible")) == "+15550001111"


@pytest.mark.parametrize("code", sorted(COUNTRY_CODE_TO_REGION_CODE))
def test_the_short_cut_says_what_the_library_says_for_every_country(code: int) -> None:
    for region in COUNTRY_CODE_TO_REGION_CODE[code]:
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        if example is None:
            continue
        digits = phonenumbers.national_significant_number(example)
        endings = [digits, digits[:-1], digits + "1", digits[:-2] + "99", "0" + digits, digits[::-1]]
        for text in [f"{start}{ending}" for ending in endings for start in (f"+{code}", str(code), "0", "00", "")]:
            assert e164(text, region) == _parsed(text, region, "valid"), (text, region)
