"""Who sends a website's message: the browser, the member, and how far the login is to be believed.

An id that is a placeholder ("undefined", "null", zeros) is none: many visitors would be one browser, or one member.
A login is verified where a hash beside it is the HMAC-SHA256 of the user id with one of the source's secrets. With a
wrong hash, or without the one that the source asks of a public key, there is no login.
"""

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple

from projections.identity.resolution.links import MEMBER_ID
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.set_aside import detail_of
from projections.identity.resolution.values import Normalised, normalise
from schemas.events.base import Assurance
from services.ingress.core.normalize import MAX_WORD, Fields
from services.ingress.core.stated_values import ValueWarning
from services.ingress.core.web_identity import member_id_in, usable_id

MEMBER_PREFIX: Final = "user:"
LONGEST_ID: Final = MAX_WORD - len(MEMBER_PREFIX)
# Where the login's hash stands: Onefold's own name, and those that sites know from other products.
_HASHES: Final = ("identityHash", "user_hash", "identifier_hash")
_PLACEHOLDERS: Final = Policy()
_SIGN: Final = "send the hex HMAC-SHA256 of the user id with the source's login secret as context.identityHash"


@dataclass(frozen=True, slots=True)
class Trust:
    """What a write key's word is worth, and what a login needs to be one.

    ``assurance`` is that of whatever comes with the key. A login's hash is made with any of ``secrets``; with
    ``signed_only`` a login has to have one.
    """

    assurance: Assurance
    secrets: tuple[str, ...] = ()
    signed_only: bool = False


class Sender(NamedTuple):
    """The ids of the browser and of the member, as far as they count; ``login`` is the login's assurance.

    ``warnings`` are of ids that do not count. ``unsigned`` says that one does not for want of a right hash.
    """

    anonymous_id: str | None
    user_id: str | None
    login: Assurance
    warnings: tuple[ValueWarning, ...] = ()
    unsigned: bool = False


def sender_of(fields: Fields, context: Fields, trust: Trust, policy: Policy) -> Sender:
    """Who sends a message."""
    anonymous_id = usable_id(fields.get("anonymousId"), LONGEST_ID)
    warnings = []
    if anonymous_id is not None and is_placeholder(anonymous_id):
        warnings.append(no_browser("anonymousId", anonymous_id))
        anonymous_id = None
    given = fields.get("userId")
    user_id = usable_id(given, LONGEST_ID)
    if user_id is None:
        given = user_id = member_id_in(context, LONGEST_ID)
    if user_id is None:
        return Sender(anonymous_id, None, trust.assurance, tuple(warnings))
    reason = normalise(MEMBER_ID, user_id, policy)
    if not isinstance(reason, Normalised):
        detail = detail_of(MEMBER_ID, user_id, reason, policy)
        warnings.append(ValueWarning(None, MEMBER_ID, user_id, reason, detail))
        return Sender(anonymous_id, None, trust.assurance, tuple(warnings))
    login = _login(user_id, given, list(_hashes(fields, context)), trust)
    if isinstance(login, ValueWarning):
        return Sender(anonymous_id, None, trust.assurance, (*warnings, login), unsigned=True)
    return Sender(anonymous_id, user_id, login, tuple(warnings))


def is_placeholder(browser_id: str) -> bool:
    """Whether a browser's id is what programs write where they have none."""
    return not isinstance(normalise(MEMBER_ID, browser_id, _PLACEHOLDERS), Normalised)


def no_browser(field: str, browser_id: str) -> ValueWarning:
    """The warning of a browser's id that is a placeholder."""
    return ValueWarning(None, field, browser_id, "no_browser", f"the {field} {browser_id} is a placeholder: no browser")


def without_hashes(fields: Fields, context: Fields) -> tuple[Fields, Fields]:
    """The message and its context without the login's hash, which is kept nowhere."""
    return _stripped(fields), _stripped(context)


def _login(user_id: str, given: Any, hashes: Sequence[str], trust: Trust) -> Assurance | ValueWarning:
    """The login's assurance, or the warning of one that is none. Without a secret, no hash can be checked."""
    needed = trust.signed_only and trust.assurance == "claimed"
    if trust.secrets and hashes:
        written = {user_id, given} if isinstance(given, str) else {user_id}
        if _is_signed(sorted(written), hashes, trust.secrets):
            return "verified"
        return _unsigned(user_id, f"the hash beside the user id {user_id} is wrong: {_SIGN}")
    if needed:
        return _unsigned(user_id, f"the user id {user_id} is not signed: {_SIGN}, or use a server's write key")
    return trust.assurance


def _unsigned(user_id: str, detail: str) -> ValueWarning:
    return ValueWarning(None, MEMBER_ID, user_id, "unsigned", detail)


def _is_signed(written: Sequence[str], hashes: Sequence[str], secrets: Sequence[str]) -> bool:
    expected = [hmac.digest(secret.encode(), one.encode(), sha256).hex() for secret in secrets for one in written]
    found = [hmac.compare_digest(one.encode(), given.encode()) for one in expected for given in hashes]
    return any(found)


def _hashes(fields: Fields, context: Fields) -> Iterator[str]:
    """Every hash beside the user id, in lower case; one that is no text is a wrong one."""
    for place in (context, context.get("traits"), fields.get("traits"), fields):
        beside = place if isinstance(place, dict) else {}
        for value in (beside.get(name) for name in _HASHES):
            if value not in (None, ""):
                yield value.strip().lower() if isinstance(value, str) else ""


def _stripped(place: Fields) -> Fields:
    kept = {name: value for name, value in place.items() if name not in _HASHES}
    traits = kept.get("traits")
    if isinstance(traits, dict):
        kept["traits"] = {name: value for name, value in traits.items() if name not in _HASHES}
    return kept
