"""Whose a website's message is: placeholders are no ids, and a signed login is proven."""

import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from projections.identity.resolution.policy import Policy
from services.ingress.core.translated import Ignored, Translated
from services.ingress.core.web import TenantKnowledge
from tests.support.web_bodies import MEMBER, SITE, VISITOR, all_said, content_of, message, translated


def full_width(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) for one in text)


SECRETS: Final = ("s3cret", "former")
SIGNING: Final = replace(SITE, login_secrets=SECRETS)
STRICT: Final = replace(SIGNING, signed_only=True)
PLACEHOLDERS: Final = [
    "undefined", "null", "0", "00000000-0000-0000-0000-000000000000", "anonymous", "unknown", "[object Object]",
    "none", "NaN", "-1", " None ", full_width("undefined"),
    "\u200bnull\ufeff", "'null'", '"undefined"', "null,null", "userId",
    "anonymous_id", "{{user.id}}", "${userId}", "%%USER_ID%%", "<nil>", "Optional(nil)", "0.0", "(not set)",
]  # fmt: skip


def signature(user_id: str = MEMBER, secret: str = SECRETS[0]) -> str:
    return hmac.digest(secret.encode(), user_id.encode(), "sha256").hex()


def uids(outcome: Translated) -> set[str]:
    return {event.contact.uid for event in outcome.events if event.contact}


def logins(outcome: Translated) -> dict[str, str]:
    """By contact, the assurance of its member id."""
    return {
        event.contact.uid: one["assurance"]
        for event in outcome.events
        if event.type == "identity.bound" and event.contact
        for one in content_of(event)[2]["identifiers"]
        if one["type"] == "member_id"
    }


def reasons(outcome: Translated) -> list[tuple[str | None, str, str]]:
    return [(one.contact, one.type, one.reason) for one in outcome.warnings]


class TestPlaceholders:
    @pytest.mark.parametrize("anonymous_id", PLACEHOLDERS)
    def test_a_browser_that_is_none_leaves_the_member_alone(self, anonymous_id: str) -> None:
        outcome = translated(message("identify", anonymousId=anonymous_id, userId=MEMBER, traits={"plan": "gold"}))
        assert uids(outcome) == {f"user:{MEMBER}"}
        assert reasons(outcome) == [(f"web:qingshan-shop:user:{MEMBER}", "anonymousId", "no_browser")]

    @pytest.mark.parametrize("user_id", [*PLACEHOLDERS, "guest", "true", "訪客"])
    def test_a_member_that_is_none_leaves_the_browser_alone(self, user_id: str) -> None:
        outcome = translated(message("identify", userId=user_id, traits={"plan": "gold"}))
        assert uids(outcome) == {VISITOR}
        assert logins(outcome) == {}
        assert reasons(outcome) == [(f"web:qingshan-shop:{VISITOR}", "member_id", "blocked")]

    @pytest.mark.parametrize(
        "given", ["M-1", "null-1", "0815", "{3f2504e0-4f89-41d3-9a0c-0305e82c3301}", "id 7", full_width("a1")]
    )
    def test_an_id_that_only_resembles_one_is_an_id(self, given: str) -> None:
        outcome = translated(message("identify", anonymousId=given, userId=f"user {given}"))
        assert uids(outcome) == {given, f"user:user {given}"}
        assert outcome.warnings == ()

    def test_neither_is_ignored(self) -> None:
        outcome = translated(message("page", anonymousId="undefined", userId="null"))
        assert (outcome.events, outcome.ignored) == ((), (Ignored(0, "no_id"),))

    def test_the_tenants_policy_says_what_is_no_member_id(self) -> None:
        known = TenantKnowledge(Policy.from_json({"also_blocked": ["kiosk-.*"]}))
        assert uids(translated(message("page", userId="kiosk-3"), known=known)) == {VISITOR}
        known = TenantKnowledge(Policy.from_json({"blocked": []}))
        assert logins(translated(message("page", userId="guest"), known=known)).keys() == {"user:guest", VISITOR}


class TestSignedLogins:
    @pytest.mark.parametrize("secret", SECRETS)
    @pytest.mark.parametrize(
        "path",
        [
            "context.identityHash",
            "traits.user_hash",
            "traits.identifier_hash",
            "context.traits.user_hash",
            "context.user_hash",
            "context.identifier_hash",
            "identifier_hash",
            "traits.userHash",
            "context.identity_hash",
            "context.Intercom.user_hash",
            "integrations.Intercom.user_hash",
        ],
    )
    @pytest.mark.parametrize("kind", ["identify", "track"])
    @pytest.mark.parametrize("write", [str.lower, str.upper], ids=["lower", "upper"])
    def test_a_right_hash_verifies_the_login_and_nothing_else(
        self, kind: str, path: str, secret: str, write: Callable[[str], str]
    ) -> None:
        fields: Any = write(signature(secret=secret))
        for name in reversed(path.split(".")):
            fields = {name: fields}
        traits = {"email": "a@example.tw"} | fields.pop("traits", {})
        outcome = translated(message(kind, event="x", userId=MEMBER, traits=traits, **fields), site=STRICT)
        assert logins(outcome) == {f"user:{MEMBER}": "verified", VISITOR: "verified"}
        if kind == "identify":
            claimed = content_of(outcome.events[0])[2]["identifiers"][1]
            assert claimed == {"type": "email", "value": "a@example.tw", "assurance": "claimed"}
        assert outcome.warnings == ()

    @pytest.mark.parametrize("user_id", [f" {MEMBER}\n", 20417])
    def test_what_was_signed_is_the_user_id_as_it_was_written_trimmed_or_not(self, user_id: Any) -> None:
        written = str(user_id)
        for one in {written, written.strip()}:
            given = message("page", userId=user_id, context={"identityHash": signature(one)})
            assert set(logins(translated(given, site=SIGNING)).values()) == {"verified"}

    @pytest.mark.parametrize(
        "given", ["0" * 64, signature("M8"), signature(secret="other"), "x", 7, ["x"], "ü"], ids=repr
    )
    @pytest.mark.parametrize(
        "site", [SIGNING, STRICT, replace(SIGNING, assurance="stated")], ids=["open", "strict", "server"]
    )
    def test_with_a_wrong_hash_there_is_no_login(self, site: Any, given: Any) -> None:
        outcome = translated(message("page", userId=MEMBER, context={"identityHash": given}), site=site)
        assert uids(outcome) == {VISITOR}
        assert logins(outcome) == {}
        assert reasons(outcome) == [(f"web:qingshan-shop:{VISITOR}", "member_id", "unsigned")]
        assert "identityHash" in outcome.warnings[0].detail

    def test_a_hash_for_another_product_leaves_the_login_a_claim(self) -> None:
        given = message("identify", userId=MEMBER, traits={"user_hash": signature(secret="Intercom's")})
        outcome = translated(given, site=SIGNING)
        assert logins(outcome) == {f"user:{MEMBER}": "claimed", VISITOR: "claimed"}
        assert [reason for _, _, reason in reasons(outcome)] == ["unsigned"]
        assert logins(translated(given, site=STRICT)) == {}

    def test_where_logins_have_to_be_signed_one_without_is_none(self) -> None:
        assert uids(translated(message("page", userId=MEMBER), site=STRICT)) == {VISITOR}
        outcome = translated(message("page", userId=MEMBER, anonymousId=None), site=STRICT)
        assert outcome.ignored == (Ignored(0, "unsigned"),)
        assert reasons(outcome) == [(None, "member_id", "unsigned")]

    def test_a_servers_key_needs_no_signature(self) -> None:
        outcome = translated(message("page", userId=MEMBER), site=replace(STRICT, assurance="stated"))
        assert set(logins(outcome).values()) == {"stated"}

    def test_without_a_secret_a_hash_says_nothing(self) -> None:
        outcome = translated(message("identify", userId=MEMBER, traits={"user_hash": signature()}))
        assert set(logins(outcome).values()) == {"claimed"}

    @pytest.mark.parametrize("site", [SITE, SIGNING], ids=["none", "secret"])
    @pytest.mark.parametrize("kind", ["identify", "track", "group", "page", "alias"])
    def test_the_hash_is_kept_nowhere(self, kind: str, site: Any) -> None:
        sign = signature()
        hashes = {"identityHash": sign, "user_hash": sign, "identifier_hash": sign, "userHash": sign}
        context = {"traits": hashes, "Intercom": hashes, **hashes}
        given = message(kind, userId=MEMBER, traits={"a": 1, **hashes}, context=context, integrations=context, **hashes)
        assert sign not in str(all_said(given, site=site))
