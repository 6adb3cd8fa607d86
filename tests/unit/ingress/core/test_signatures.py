"""Whether a body's signature is believed."""

import hmac
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingress.core.signatures import line_signature_matches, meta_signature_matches, signed_request

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


META_BODY = b'{"object":"page","entry":[]}'
META_SIGNATURE = "sha256=0f9ccf8ae7b402ed3e7ceccdc0147aa992940c3d46120c2679dd5bf14c8287a7"  # by openssl


class TestMetas:
    def test_the_right_secret_fits(self) -> None:
        assert meta_signature_matches(META_BODY, META_SIGNATURE, [SECRET])
        assert meta_signature_matches(META_BODY, f" {META_SIGNATURE} ", [b"new", SECRET])

    @pytest.mark.parametrize("body", [META_BODY + b" ", META_BODY[:-1], b""])
    def test_another_body_does_not_fit(self, body: bytes) -> None:
        assert not meta_signature_matches(body, META_SIGNATURE, [SECRET])

    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "sha256=",
            META_SIGNATURE[:-1],
            META_SIGNATURE + "0",
            META_SIGNATURE.removeprefix("sha256="),
            META_SIGNATURE.replace("sha256", "sha1"),
            "sha256=簽章",
            "\ud800",
        ],
    )
    def test_another_header_does_not_fit(self, header: str | None) -> None:
        assert not meta_signature_matches(META_BODY, header, [SECRET])

    @pytest.mark.parametrize("secrets", [[], [b""], [b"other"]])
    def test_another_secret_does_not_fit(self, secrets: list[bytes]) -> None:
        assert not meta_signature_matches(META_BODY, META_SIGNATURE, secrets)

    def test_an_empty_secret_lets_nobody_in(self) -> None:
        signed_with_nothing = "sha256=f117fbb4e9c49c36968d7e5c1ff0c517e23b08385791fe533b642dbc519df4d9"
        assert not meta_signature_matches(META_BODY, signed_with_nothing, [b""])

    @given(st.binary(), st.none() | st.text(st.characters(exclude_categories=[])), st.lists(st.binary(min_size=1)))
    def test_nothing_made_up_fits_and_nothing_raises(
        self, body: bytes, header: str | None, secrets: list[bytes]
    ) -> None:
        assert not meta_signature_matches(body, header, secrets)


ASKED = {"algorithm": "HMAC-SHA256", "issued_at": 1_762_401_600, "user_id": "300912"}
PAYLOAD = "eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTc2MjQwMTYwMCwidXNlcl9pZCI6IjMwMDkxMiJ9"
REQUEST = "f8OsKXtlHYurCibf6r_48unXV1lEyh3NwSaTd0fCO6U." + PAYLOAD  # by openssl


class TestASignedRequest:
    @pytest.mark.parametrize("secrets", [[SECRET], [b"new", SECRET], [SECRET, b"", b"new"]])
    def test_says_what_it_says_with_the_right_secret(self, secrets: list[bytes]) -> None:
        assert signed_request(REQUEST, secrets) == ASKED

    @pytest.mark.parametrize("secrets", [[], [b""], [b"other"]])
    def test_says_nothing_with_another(self, secrets: list[bytes]) -> None:
        assert signed_request(REQUEST, secrets) is None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ".",
            PAYLOAD,
            "." + PAYLOAD,
            REQUEST[:-1],
            REQUEST + "A",
            REQUEST + "." + PAYLOAD,
            "A" + REQUEST,
            REQUEST.replace(".", "!."),
            REQUEST + "A" * 20_000,
            "簽." + PAYLOAD,
            "\ud800." + PAYLOAD,
        ],
    )
    def test_says_nothing_when_tampered_with(self, text: str) -> None:
        assert signed_request(text, [SECRET]) is None

    @pytest.mark.parametrize(
        "payload",
        [b"", b"[]", b"{", b"null", b"\xff", b"{}", b'{"algorithm":"HMAC-SHA1"}', b'{"algorithm":["HMAC-SHA256"]}'],
    )
    def test_that_is_signed_but_says_nothing_is_none(self, payload: bytes) -> None:
        assert signed_request(_signed(payload), [SECRET]) is None

    def test_may_be_padded(self) -> None:
        assert signed_request(_signed(b'{"algorithm":"hmac-sha256"} '), [SECRET]) == {"algorithm": "hmac-sha256"}
        head, payload = REQUEST.split(".")
        assert signed_request(f"{head}=.{payload}", [SECRET]) == ASKED

    @given(st.text(st.characters(exclude_categories=[])) | st.from_regex(r"[A-Za-z0-9_-]{0,50}\.[A-Za-z0-9_-]{0,50}"))
    def test_made_up_says_nothing_and_nothing_raises(self, text: str) -> None:
        assert signed_request(text, [SECRET]) is None


def _signed(payload: bytes) -> str:
    encoded = urlsafe_b64encode(payload).rstrip(b"=")
    signature = urlsafe_b64encode(hmac.digest(SECRET, encoded, "sha256")).rstrip(b"=")
    return f"{signature.decode()}.{encoded.decode()}"
