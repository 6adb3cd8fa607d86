"""Whether a body's signature is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingress.core.signatures import line_signature_matches

SECRET = b"a-secret-of-the-tea-shop"
BODY = b'{"destination":"Uqingshan","events":[]}'
SIGNATURE = "8UyKWVFnD1y42c4TGDp9QmoSHRMYxGtSSzAeMUun81Q="  # by openssl, not by the code under test


def test_the_right_secret_fits() -> None:
    assert line_signature_matches(BODY, SIGNATURE, [SECRET])


@pytest.mark.parametrize("secrets", [[SECRET, b"new"], [b"new", SECRET]])
def test_any_of_the_secrets_will_do_while_one_is_replaced(secrets: list[bytes]) -> None:
    assert line_signature_matches(BODY, SIGNATURE, secrets)


@pytest.mark.parametrize("body", [BODY + b" ", BODY[:-1], b"", BODY.replace(b"[]", b"[{}]")])
def test_another_body_does_not_fit(body: bytes) -> None:
    assert not line_signature_matches(body, SIGNATURE, [SECRET])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "=",
        SIGNATURE[:-1],
        SIGNATURE.lower(),
        SIGNATURE + "A",
        "sha256=" + SIGNATURE,
        "簽章",
        "\ud800",
        "\x00",
    ],
)
def test_another_header_does_not_fit(header: str | None) -> None:
    assert not line_signature_matches(BODY, header, [SECRET])


@pytest.mark.parametrize("secrets", [[], [b""], [b"other"], [SECRET + b"\n"]])
def test_another_secret_does_not_fit(secrets: list[bytes]) -> None:
    assert not line_signature_matches(BODY, SIGNATURE, secrets)


def test_an_empty_secret_lets_nobody_in() -> None:
    signed_with_nothing = "fiOYWjsFW1OkkaiJYQm8Hi1e6p+YQ4BLCEfCIxaFfGc="
    assert not line_signature_matches(BODY, signed_with_nothing, [b""])


@given(st.binary(), st.none() | st.text(st.characters(exclude_categories=[])), st.lists(st.binary(min_size=1)))
def test_nothing_made_up_fits_and_nothing_raises(body: bytes, header: str | None, secrets: list[bytes]) -> None:
    assert not line_signature_matches(body, header, secrets)
