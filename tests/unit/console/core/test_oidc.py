"""An id token gives a session only if it is for this sign-in, and the role that the highest fitting rule gives."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from services.console.core.oidc import (
    ATTEMPT_LASTS,
    SignInAttempt,
    SignInRefused,
    authorization_address,
    checked_claims,
    missing_claims,
    name_of,
    role_for,
    values_of,
)
from services.console.core.roles import ROLES

NOW = 1_800_000_000
KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "one"})
KEYS = KeySet([KEY])
GOOD: dict[str, Any] = {
    "iss": "https://login.example.com",
    "aud": "onefold",
    "sub": "u1",
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": "n1",
}
ATTEMPT = SignInAttempt("demo", "s1", "n1", "v" * 43, "/console/customers", NOW)
VERIFIED = {"email": "Amy@Brand.example", "email_verified": True}


def a_token(key: Any = KEY, alg: str = "ES256", **claims: Any) -> str:
    said = {name: value for name, value in (GOOD | claims).items() if value is not None}
    return jwt.encode({"alg": alg, "kid": "one"}, said, key, algorithms=[alg])


def claims_of(token: str) -> dict[str, Any]:
    return checked_claims(token, KEYS, issuer=GOOD["iss"], client_id="onefold", nonce="n1", access_token="at", now=NOW)


def refusal(token: str) -> str:
    with pytest.raises(SignInRefused) as refused:
        claims_of(token)
    return refused.value.reason


def test_a_token_for_this_sign_in_is_believed() -> None:
    assert claims_of(a_token(email="a@b.example"))["email"] == "a@b.example"
    assert claims_of(a_token(aud=["onefold", "api"], azp="onefold"))["sub"] == "u1"
    assert claims_of(a_token(exp=NOW - 30))["sub"] == "u1"  # clocks differ a little


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": "https://login.example.com/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": []},
        {"aud": None},
        {"aud": ["onefold", "another"], "azp": "another"},
        {"exp": NOW - 3600},
        {"exp": None},
        {"exp": "soon"},
        {"iat": NOW + 3600},
        {"nbf": NOW + 3600},
        {"nonce": "n2"},
        {"nonce": None},
        {"sub": None},
        {"sub": 7},
        {"at_hash": "another"},
    ],
    ids=str,
)
def test_a_token_for_something_else_is_refused(claims: dict[str, Any]) -> None:
    assert refusal(a_token(**claims)) == "token"


def test_only_a_signature_by_the_providers_keys_counts() -> None:
    header, body, signature = a_token().split(".")
    no_algorithm = urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    unsigned = f"{no_algorithm}.{body}."
    symmetric = a_token(OctKey.import_key("a client secret that is long enough"), "HS256")
    damaged = f"{header}.{body}.{signature[:-8]}AAAAAAAA"
    for token in (a_token(OTHER_KEY), unsigned, symmetric, damaged, "", "a.b.c", f"{header}.{body}."):
        assert refusal(token) == "token"


def test_the_highest_role_that_fits_counts() -> None:
    rules = [
        ("viewer", "hd", "brand.example"),
        ("agent", "groups", "shop"),
        ("admin", "email", "amy@brand.example"),
        ("marketer", "realm_access.roles", "crm"),
    ]
    for claims, role in (
        ({"hd": "brand.example", "email": "b@brand.example"}, "viewer"),
        ({"hd": "brand.example", "groups": ["x", "shop"], "email": "b@brand.example"}, "agent"),
        ({"groups": "shop", "email": "b@brand.example"}, "agent"),
        ({"realm_access": {"roles": ["crm"]}, "groups": ["shop"], "email": "b@brand.example"}, "marketer"),
        ({"groups": ["shop"]}, "admin"),
    ):
        assert role_for(VERIFIED | claims, rules, any_email=False) == role
    for strange in ({"groups": ["Shop"]}, {"groups": {"shop": 1}}, {"groups": [["shop"]]}, {"groups": 7}, {}):
        with pytest.raises(SignInRefused, match="no_role"):
            role_for(VERIFIED | {"email": "b@brand.example"} | strange, rules, any_email=False)


@pytest.mark.parametrize("verified", [None, False, "false", "yes", 1.5, [True]])
def test_an_address_that_is_not_verified_gives_no_role(verified: Any) -> None:
    claims = {"email": "amy@brand.example", "email_verified": verified, "groups": ["shop"]}
    rules = [("agent", "groups", "shop"), ("admin", "email", "amy@brand.example")]
    with pytest.raises(SignInRefused, match="unverified"):
        role_for(claims, rules, any_email=False)
    # where the provider never says so, groups count, but an address that anybody could have typed does not
    assert role_for(claims, rules, any_email=True) == "agent"


@given(st.lists(st.sampled_from(ROLES), min_size=1), st.randoms())
def test_the_order_of_rules_does_not_matter(roles: list[Any], random: Any) -> None:
    rules = [(role, "groups", f"g{number}") for number, role in enumerate(roles)]
    claims = VERIFIED | {"groups": [value for _, _, value in rules]}
    found = role_for(claims, rules, any_email=False)
    random.shuffle(rules)
    assert role_for(claims, rules, any_email=False) == found == max(roles, key=ROLES.index)


def test_the_browser_is_sent_with_the_challenge_and_not_with_its_answer() -> None:
    address = authorization_address(
        "https://login.example.com/a?p=1", ATTEMPT, "onefold", ["groups", "openid"], "https://me.example/back"
    )
    asked = parse_qs(urlsplit(address).query)
    assert asked["p"] == ["1"]
    assert (asked["scope"], asked["code_challenge_method"]) == (["openid profile email groups"], ["S256"])
    answer = urlsafe_b64encode(sha256(ATTEMPT.verifier.encode()).digest()).decode().rstrip("=")
    assert (asked["code_challenge"], asked["state"], asked["nonce"]) == ([answer], ["s1"], ["n1"])
    assert ATTEMPT.verifier not in address


def test_an_attempt_is_kept_for_ten_minutes() -> None:
    text = ATTEMPT.to_bytes()
    assert SignInAttempt.from_bytes(text, NOW + ATTEMPT_LASTS) == ATTEMPT
    for late in (NOW + ATTEMPT_LASTS + 1, NOW - 1):
        assert SignInAttempt.from_bytes(text, late) is None
    for strange in (b"", b"[]", b"{}", b'{"tenant": 1}', b"\xff", text.replace(b"nonce", b"other")):
        assert SignInAttempt.from_bytes(strange, NOW) is None


def test_a_person_is_named_in_one_line() -> None:
    assert name_of({"name": "林 小美", "email": "mei@b.example"}) == "林 小美 (mei@b.example)"
    assert name_of({"name": "a\nb\u202e", "sub": "7"}) == "a b (7)"
    assert name_of({"email": "mei@b.example", "name": 7}) == "mei@b.example"
    assert name_of({}) == ""


def test_further_claims_are_asked_for_where_a_rule_needs_them() -> None:
    rules = [("agent", "groups", "shop")]
    assert missing_claims({"email": "a"}, rules)
    assert missing_claims({"groups": ["x"]}, rules)
    assert not missing_claims({"email": "a", "groups": ["x"]}, rules)
    assert values_of({"https://brand.example/roles": ["x"]}, "https://brand.example/roles") == ["x"]
