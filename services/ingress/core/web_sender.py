"""Who sends a website's message: the browser, the member, and how far the login is to be believed.

An id that is a placeholder ("undefined", "null", zeros) is none: many visitors would be one browser, or one member.
A login is verified where a right hash stands beside it. With a wrong `identityHash`, or without the one that the source
asks of a public key, there is no login.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from projections.identity.resolution.links import MEMBER_ID
from projections.identity.resolution.policy import Policy
from schemas.events.base import Assurance
from services.ingress.core.login_hashes import LoginHashes, hashes_beside, is_signed
from services.ingress.core.normalize import MAX_WORD, Fields
from services.ingress.core.placeholders import is_placeholder, no_member
from services.ingress.core.stated_values import ValueWarning
from services.ingress.core.web_identity import member_id_in, usable_id

MEMBER_PREFIX: Final = "user:"
LONGEST_ID: Final = MAX_WORD - len(MEMBER_PREFIX)
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


class WebSender(NamedTuple):
    """The ids of the browser and of the member, as far as they count; ``login`` is the login's assurance.

    ``warnings`` are of ids that do not count. ``unsigned`` says that one does not for want of a right hash.
    """

    anonymous_id: str | None
    user_id: str | None
    login: Assurance
    warnings: tuple[ValueWarning, ...] = ()
    unsigned: bool = False


def sender_of(fields: Fields, context: Fields, trust: Trust, policy: Policy) -> WebSender:
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
        return WebSender(anonymous_id, None, trust.assurance, tuple(warnings))
    if (none := no_member(user_id, policy)) is not None:
        return WebSender(anonymous_id, None, trust.assurance, (*warnings, none))
    login = _login(user_id, given, hashes_beside(fields, context), trust)
    if login.assurance is None:
        return WebSender(anonymous_id, None, trust.assurance, (*warnings, *login.warnings), unsigned=True)
    return WebSender(anonymous_id, user_id, login.assurance, (*warnings, *login.warnings))


def no_browser(field: str, browser_id: str) -> ValueWarning:
    """The warning of a browser's id that is a placeholder."""
    return ValueWarning(None, field, browser_id, "no_browser", f"the {field} {browser_id} is a placeholder: no browser")


class _Login(NamedTuple):
    """A login's assurance, None where there is no login; and a warning of a hash that does not prove it."""

    assurance: Assurance | None
    warnings: tuple[ValueWarning, ...] = ()


def _login(user_id: str, given: Any, hashes: LoginHashes, trust: Trust) -> _Login:
    """How far the login is believed. Without a secret, no hash can be checked.

    A wrong hash under another product's name is no worse than none: it may be made with that product's secret.
    """
    written = {user_id, given} if isinstance(given, str) else {user_id}
    if is_signed(sorted(written), hashes.own + hashes.borrowed, trust.secrets):
        return _Login("verified")
    if trust.secrets and hashes.own:
        return _Login(None, _unsigned(user_id, f"the hash beside the user id {user_id} is wrong: {_SIGN}"))
    if trust.signed_only and trust.assurance == "claimed":
        return _Login(None, _unsigned(user_id, f"the user id {user_id} is not signed: {_SIGN}, or use a server's key"))
    if trust.secrets and hashes.borrowed:
        return _Login(
            trust.assurance, _unsigned(user_id, f"the hash beside the user id {user_id} proves nothing: {_SIGN}")
        )
    return _Login(trust.assurance)


def _unsigned(user_id: str, detail: str) -> tuple[ValueWarning]:
    return (ValueWarning(None, MEMBER_ID, user_id, "unsigned", detail),)
