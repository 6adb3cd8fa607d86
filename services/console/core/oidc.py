"""Signing in with OpenID Connect: where a browser is sent, what a token has to say, and which role it gives (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlencode, urlsplit

import orjson
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.console.core.roles import ROLES, ConsoleRole

Claims = Mapping[str, Any]
Rule = tuple[str, str, str]
RefusalReason = Literal["denied", "token", "unverified", "no_role", "code"]

ATTEMPT_LASTS: Final = 600  # seconds between going to the provider and coming back
EMAIL: Final = "email"
_LEEWAY: Final = 60  # seconds that clocks may differ
# A symmetric signature could be made by whoever knows the client's secret, and `none` by anybody.
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_LONGEST_NAME: Final = 200


class SignInRefused(Exception):
    """The provider's answer gives no session. ``claims`` are those of a valid token."""

    def __init__(self, reason: RefusalReason, claims: Claims | None = None) -> None:
        super().__init__(reason)
        self.reason, self.claims = reason, claims or {}


class SignInAttempt(NamedTuple):
    """A sign-in that is under way, as the browser keeps it, sealed. ``begun_at`` is in seconds."""

    tenant: str
    state: str
    nonce: str
    verifier: str
    going_on: str
    begun_at: int

    def to_bytes(self) -> bytes:
        """The text that is sealed."""
        return orjson.dumps(self._asdict())

    @classmethod
    def from_bytes(cls, text: bytes, now: int) -> "SignInAttempt | None":
        """The attempt, unless it is too old or the text is none."""
        try:
            found = cls(**orjson.loads(text))
        except (TypeError, ValueError):
            return None
        return found if 0 <= now - found.begun_at <= ATTEMPT_LASTS else None


def authorization_address(
    endpoint: str, attempt: SignInAttempt, client_id: str, scopes: Iterable[str], back: str
) -> str:
    """Where the browser is sent: with a challenge (PKCE), a state and a nonce."""
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": back,
        "scope": " ".join(dict.fromkeys(["openid", "profile", EMAIL, *scopes])),
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": create_s256_code_challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"


def checked_claims(  # noqa: PLR0913 - what a token is checked against
    token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, access_token: str, now: int
) -> dict[str, Any]:
    """What an id token says. ``now`` is in seconds. Raises SignInRefused for one that is not for this sign-in."""
    try:
        decoded = jwt.decode(token, keys, algorithms=_ALGORITHMS)
        expected = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}
        params = {"nonce": nonce, "client_id": client_id, "access_token": access_token}
        claims = CodeIDToken(decoded.claims, decoded.header, expected, params)
        claims.validate(now, _LEEWAY)
    except (JoseError, ValueError, TypeError, KeyError):
        raise SignInRefused("token") from None
    return dict(decoded.claims)


def role_for(claims: Claims, rules: Sequence[Rule], *, any_email: bool) -> ConsoleRole:
    """The highest role that the rules give. Raises SignInRefused.

    The e-mail address has to be a verified one, unless ``any_email``; a rule about the address asks for that always.
    """
    verified = is_verified(claims)
    if not verified and not any_email:
        raise SignInRefused("unverified", claims)
    usable = [rule for rule in rules if verified or rule[1] != EMAIL]
    given = {role for role, claim, value in usable if _has(claims, claim, value)}
    found = next((role for role in reversed(ROLES) if role in given), None)
    if found is None:
        raise SignInRefused("no_role", claims)
    return found


def is_verified(claims: Claims) -> bool:
    """Whether the provider says that the address belongs to the person."""
    said = claims.get("email_verified")
    return bool(claims.get(EMAIL)) and (said is True or said == "true")


def values_of(claims: Claims, name: str) -> list[str]:
    """The texts in a claim; ``realm_access.roles`` is the claim ``roles`` within another, unless one is called so."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    several = found if isinstance(found, list) else [found]
    return [one for one in several if isinstance(one, str)]


def missing_claims(claims: Claims, rules: Sequence[Rule]) -> bool:
    """Whether the provider's further answer about the person may say more than the token."""
    return EMAIL not in claims or any(not values_of(claims, claim) for _, claim, _ in rules)


def name_of(claims: Claims) -> str:
    """How pages, events and the audit trail name the person: the name, and the address that tells people apart."""
    name, address = (_line(claims.get(one)) for one in ("name", EMAIL))
    known = address or _line(claims.get("preferred_username")) or _line(claims.get("sub"))
    return f"{name} ({known})" if name and name != known else known


def _has(claims: Claims, claim: str, value: str) -> bool:
    if claim == EMAIL:
        return value.casefold() in {one.casefold() for one in values_of(claims, claim)}
    return value in values_of(claims, claim)


def _line(value: object) -> str:
    """A claim as one line of printable text."""
    text = value if isinstance(value, str) else ""
    return "".join(one if one.isprintable() else " " for one in text).strip()[:_LONGEST_NAME]
