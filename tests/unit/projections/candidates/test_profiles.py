"""Values that say the same are equal, however they are written."""

import pytest

from projections.candidates.profiles import address_form, birthday_form, name_form, profile


@pytest.mark.parametrize("text", ["Mei Lin", "LIN, mei", "\uff2d\uff45\uff49  Lin", "lin-mei"])
def test_a_name_is_its_words_without_case_in_any_order(text: str) -> None:
    assert name_form(text) == "lin mei"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("1990-01-31", "1990-01-31"),
        ("1990/1/31", "1990-01-31"),
        ("19900131", "1990-01-31"),
        ("1990-01-31T00:00:00Z", "1990-01-31"),
        ("31 January", ""),
        ("", ""),
    ],
)
def test_a_birthday_is_its_date(text: str, form: str) -> None:
    assert birthday_form(text) == form


def test_an_address_keeps_the_order_of_its_words() -> None:
    assert address_form("12, Main St.") == "12 main st"
    assert address_form("Main 12 St") != address_form("12 Main St")


def test_what_says_nothing_is_left_out() -> None:
    assert profile(["", " ", "…"], ["soon"], ["-"])[:3] == ((), (), ())
