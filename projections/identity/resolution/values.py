"""Identifier values: normalised to one spelling, or blocked (docs/identity-resolution.md#blocked-value).

Choices where the rules allow two readings:

- a phone must be *valid* by ``phonenumbers``, not only of a possible length (a policy may choose ``possible``);
- an e-mail has one ``@``, no white space, and a dot in its domain;
- ``line_user``, ``facebook_user``, ``whatsapp_user`` and tenants' types of scope ``prefix`` are ``prefix:rest``, both
  parts non-empty; the prefix is what comes before the first colon;
- a ``contact`` value is not trimmed, since a uid may begin or end with a space, and must be a contact key;
- the block list is matched against the normalised value, so no spelling of a value evades it;
- a type that is neither in the policy nor ``x_…`` is no identifier, so it is no evidence either.
"""

import re
from typing import Final, get_args

from projections.identity.resolution.phones import e164
from projections.identity.resolution.policy import Exclusive, Policy, TypeRule
from schemas.events.base import ChannelName

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_CONTACT_KEY: Final = re.compile(rf"({'|'.join(get_args(ChannelName))}):[^:|]{{1,255}}:.{{1,255}}", re.DOTALL)
_PREFIXED: Final = frozenset({"line_user", "facebook_user", "whatsapp_user"})
WHOLE_TENANT: Final = ""


def is_contact_key(value: str) -> bool:
    """Whether the value has the form ``channel:account:uid``."""
    return _CONTACT_KEY.fullmatch(value) is not None


def normalise(type_name: str, value: str, policy: Policy) -> str | None:
    """The normalised value, or None if it is invalid or blocked, so that it is no evidence."""
    rule = policy.rule(type_name)
    if rule is None:
        return None
    normalised = _normalised(type_name, value, rule, policy)
    return None if normalised is None or policy.block_list.fullmatch(normalised) else normalised


def scope_of(exclusive: Exclusive, value: str) -> str:
    """The scope in which a value is exclusive: the whole tenant, or its own prefix."""
    return WHOLE_TENANT if exclusive.scope == "tenant" else value.partition(":")[0]


def _normalised(type_name: str, value: str, rule: TypeRule, policy: Policy) -> str | None:
    if type_name == "contact":
        return value if is_contact_key(value) else None
    trimmed = value.strip()
    if type_name == "phone":
        trimmed = e164(trimmed, policy.default_region, policy.phones) or ""
    elif type_name == "email":
        trimmed = trimmed.lower() if _EMAIL.fullmatch(trimmed) else ""
    if type_name in _PREFIXED or (rule.exclusive is not None and rule.exclusive.scope == "prefix"):
        prefix, _, rest = trimmed.partition(":")
        return trimmed if prefix and rest else None
    return trimmed or None
