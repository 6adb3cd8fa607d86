"""One spelling for each value, or none."""

import phonenumbers
import pytest
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumberType

from projections.identity.resolution.phones import _parsed, e164, matching_key
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise


def key(type_name: str, value: str, policy: Policy | None = None, *, intrinsic: bool = False) -> str | None:
    """The value as the rules compare it, or None where it is no evidence."""
    found = normalise(type_name, value, policy or Policy(), intrinsic=intrinsic)
    return found.value if isinstance(found, Normalised) else None


def why(type_name: str, value: str) -> object:
    return normalise(type_name, value, Policy())


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
        ("email", "\uff41\uff4d\uff59@Example.tw", "amy@example.tw"),
        ("email", "a@Bücher.example", "a@xn--bcher-kva.example"),
        ("email", "a@\u2603.example", None),
        ("instagram_user", "acc:1", "acc:1"),
        ("line_user", "p:U:1", "p:U:1"),
        ("contact", "web:a|b:c1", None),
        ("contact", "web:" + "a" * 255 + ":" + "u" * 255, "web:" + "a" * 255 + ":" + "u" * 255),
        ("contact", "web:" + "a" * 256 + ":c1", None),
        ("contact", "web:shop:" + "u" * 256, None),
        ("shoe_size", "42", None),
    ],
)
def test_values_are_spelt_one_way_or_are_no_evidence(type_name: str, value: str, spelt: str | None) -> None:
    assert key(type_name, value) == spelt


@pytest.mark.parametrize(
    "written",
    [
        "0911111111",
        "0911-111-111",
        "(09) 1111 1111",
        "886911111111",
        "00886911111111",
        "+886 911 111 111",
        "".join(chr(ord(digit) + 0xFEE0) for digit in "0911111111"),  # full width, as East Asian keyboards type
        "".join(chr(ord(digit) - ord("0") + 0x0660) for digit in "886911111111"),  # Arabic
    ],
)
def test_a_phone_has_one_spelling_however_it_is_written(written: str) -> None:
    assert key("phone", written) == "+886911111111"


def test_the_policys_region_reads_numbers_without_a_country_code() -> None:
    hong_kong = Policy(default_region="HK")
    assert key("phone", "9123 4567", hong_kong) == "+85291234567"
    assert key("phone", "+886911111111", hong_kong) == "+886911111111"


def test_digits_that_are_no_number_of_the_region_are_read_as_an_international_one() -> None:
    assert key("phone", "85291234567") == "+85291234567"
    assert key("phone", "12") is None


def test_a_policy_may_take_numbers_that_are_only_possible() -> None:
    assert key("phone", "+15550001111") is None
    assert key("phone", "+15550001111", Policy(phones="possible")) == "+15550001111"


def test_what_a_channel_vouches_for_is_kept_as_its_digits() -> None:
    assert key("phone", "(999) 123", intrinsic=True) == "+999123"
    assert key("phone", "(999) 123") is None
    assert key("phone", "none at all", intrinsic=True) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+5511987654321", "+551187654321"),  # Brazil's ninth digit
        ("+5215512345678", "+525512345678"),  # Mexico's 1 of mobiles
        ("+5491123456789", "+541123456789"),  # Argentina's 9 of mobiles
        ("+2290195123456", "+22995123456"),  # Benin's 01
        *((f"+225{prefix}12345678", "+22512345678") for prefix in ("01", "05", "07", "21", "25", "27")),
    ],
)
def test_spellings_of_one_persons_number_have_one_matching_key(one: str, other: str) -> None:
    assert matching_key(one) == matching_key(other) == other


@pytest.mark.parametrize(
    "number",
    ["+551195765432", "+5511557654321", "+521551234567", "+22503123456789", "+886911111111", "+2250312345678"],
)
def test_other_numbers_are_their_own_matching_key(number: str) -> None:
    assert matching_key(number) == number


def test_a_phone_keeps_its_spelling_for_showing() -> None:
    assert normalise("phone", "+55 11 98765-4321", Policy()) == Normalised("+551187654321", "+5511987654321")


@pytest.mark.parametrize(
    "junk",
    [
        "0",
        "000",
        "-",
        "0-0",
        "-1",
        "null",
        "NULL",
        "(null)",
        " None ",
        "nil",
        "NaN",
        "n/a",
        "NA",
        "undefined",
        "Anonymous",
        "unknown",
        "[object Object]",
        "test@test.com",
    ],
)
def test_placeholders_are_blocked_for_every_type(junk: str) -> None:
    assert (why("x_card", junk), why("member_id", junk)) == ("blocked", "blocked")


@pytest.mark.parametrize(
    "junk",
    [
        "true",
        "False",
        "guest",
        "user",
        "ID",
        "test",
        "visitor",
        "distinct_id",
        "not_authenticated",
        "[]",
        "{}",
        "''",
        '""',
        "訪客",
        "未登入",
    ],
)
def test_what_sites_send_where_nobody_is_logged_in_is_blocked_as_a_member_id_only(junk: str) -> None:
    assert why("member_id", junk) == "blocked"
    assert key("x_card", junk) == junk


def test_a_phone_is_blocked_in_e164_and_as_its_key() -> None:
    for pattern in (r"\+5511987654321", r"\+551187654321"):
        policy = Policy.from_json({"also_blocked": [pattern]})
        assert normalise("phone", "+55 11 98765 4321", policy) == "blocked"


def test_a_pattern_matches_the_whole_value() -> None:
    policy = Policy.from_json({"also_blocked": ["vip|test"]})
    assert [normalise("x_card", value, policy) for value in ("vip", "vip1", "a test")] == [
        "blocked",
        Normalised("vip1", "vip1"),
        Normalised("a test", "a test"),
    ]


def test_every_type_that_is_exclusive_by_its_prefix_has_values_of_two_parts() -> None:
    policy = Policy.from_json({"types": {"x_seat": {"exclusive": {"scope": "prefix"}}, "club": {}}})
    assert key("x_seat", "a:1", policy) == "a:1"
    assert key("x_seat", "1", policy) is None
    assert key("club", " C1 ", policy) == "C1"


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
