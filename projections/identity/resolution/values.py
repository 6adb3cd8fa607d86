"""Identifier values: each is normalised, or set aside with a reason.

The reason is ``no_value`` where it is not a value of its type, and ``blocked`` where it is on the tenant's block list.
Neither is evidence; both are shown to whoever looks.
"""

import re
import unicodedata
from hashlib import blake2b
from typing import Final, NamedTuple, get_args

import idna

from projections.identity.resolution.links import CONTACT, SetAsideReason
from projections.identity.resolution.phones import matching_key, read_phone
from projections.identity.resolution.policy import Exclusive, Policy
from schemas.events.base import ChannelName

_CONTACT_KEY: Final = re.compile(rf"({'|'.join(get_args(ChannelName))}):[^:|]{{1,255}}:.{{1,255}}", re.DOTALL)
_PREFIXED: Final = frozenset({"line_user", "facebook_user", "instagram_user", "whatsapp_user"})
_LONGEST: Final = 512  # no event has a longer value; NFKC takes quadratic time
_SPACE: Final = re.compile(r"\s")
_MOST_KNOWN: Final = 50_000
# UTF-8 of a matching key, but a contact's. A row of an index must hold three of them beside a contact key.
MOST_BYTES: Final = 200
WHOLE_TENANT: Final = ""


class Normalised(NamedTuple):
    """A value as the rules compare it, and as it is shown (a phone in E.164 rather than its matching key)."""

    value: str
    spelling: str


def is_contact_key(value: str) -> bool:
    """Whether the value has the form ``channel:account:uid``."""
    return _CONTACT_KEY.fullmatch(value) is not None


def normalise(type_name: str, value: str, policy: Policy, *, intrinsic: bool = False) -> Normalised | SetAsideReason:
    """The normalised value, or why it is no evidence.

    ``intrinsic`` is for what the channel itself vouches for: of an invalid phone the digits count.
    """
    cache, key = policy.known_values, (type_name, value, intrinsic)
    found = cache.get(key)
    if found is None:
        if len(cache) >= _MOST_KNOWN:
            cache.clear()
        found = cache[key] = _normalise(type_name, value, policy, intrinsic=intrinsic)
    return found


def _normalise(type_name: str, value: str, policy: Policy, *, intrinsic: bool) -> Normalised | SetAsideReason:
    rule = policy.rule(type_name)
    if rule is None:
        return "no_value"
    prefixed = False
    if type_name == CONTACT:
        spelling = key = value if is_contact_key(value) else None
    elif type_name == "phone":
        spelling = read_phone(value.strip(), policy.default_region, policy.phones, intrinsic=intrinsic)
        key = matching_key(spelling) if spelling else None
    elif type_name == "email":
        spelling = key = _email(value)
    else:
        prefixed = type_name in _PREFIXED or (rule.exclusive is not None and rule.exclusive.scope == "prefix")
        spelling = key = _trimmed(value, prefixed=prefixed)
    if not spelling or not key:
        return "no_value"
    if policy.is_blocked(type_name, key) or (spelling != key and policy.is_blocked(type_name, spelling)):
        return "blocked"
    return Normalised(key if type_name == CONTACT else _bounded_key(key, prefixed=prefixed), spelling)


def scope_of(exclusive: Exclusive, value: str) -> str:
    """What a value is exclusive in: the whole tenant, or its own prefix."""
    return WHOLE_TENANT if exclusive.scope == "tenant" else value.partition(":")[0]


def _bounded_key(key: str, *, prefixed: bool) -> str:
    """The key, or where it is too long, its beginning with a digest of the whole; a prefix stays one."""
    if len(key) * 4 <= MOST_BYTES or len(key.encode()) <= MOST_BYTES:
        return key
    if not prefixed:
        return _shortened(key, MOST_BYTES)
    prefix, _, rest = key.partition(":")
    return f"{_shortened(prefix, MOST_BYTES // 2)}:{_shortened(rest, MOST_BYTES // 2 - 1)}"


def _shortened(text: str, most: int) -> str:
    raw = text.encode()
    if len(raw) <= most:
        return text
    digest = blake2b(raw, digest_size=16).hexdigest()
    return f"{raw[: most - len(digest) - 1].decode(errors='ignore')}#{digest}"


def _trimmed(value: str, *, prefixed: bool) -> str | None:
    trimmed = value.strip()
    if prefixed:
        prefix, _, rest = trimmed.partition(":")
        return trimmed if prefix and rest else None
    return trimmed or None


def _email(value: str) -> str | None:
    if len(value) > _LONGEST:
        return None
    text = unicodedata.normalize("NFKC", value).strip()
    local, at, domain = text.partition("@")
    if not at or not local or "@" in domain or _SPACE.search(text):
        return None
    labels = domain.split(".")
    if len(labels) < 2 or not all(labels):  # noqa: PLR2004 - a name and what it is below
        return None
    domain = domain.lower()
    if not domain.isascii():
        try:
            domain = idna.encode(domain).decode()
        except idna.IDNAError:
            return None
    return f"{local.lower()}@{domain}"
