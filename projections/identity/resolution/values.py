"""Identifier values: one spelling each (normalised), or none at all (rule 1, *blocked*).

How a reading was chosen where two are possible:

- a phone must be *valid* by ``phonenumbers``, not only of a possible length (a policy may ask for ``possible``);
- an e-mail has one ``@``, no white space, and a dot in its domain;
- ``line_user``, ``facebook_user``, ``whatsapp_user`` and tenants' types of scope ``prefix`` are ``prefix:rest``, both
  parts non-empty; what comes before the first colon is the prefix;
- a ``contact`` value is taken as it is, since a uid may begin or end with a space, and must be a contact key;
- the block list is matched against the normalised value, so that no spelling of a value gets past it;
- a type that is neither in the policy nor ``x_…`` is no identifier, and so no evidence either.
"""

import re
from typing import Final, get_args

from projections.identity.resolution.phones import e164
from projections.identity.resolution.policy import Exclusive, Policy, TypeRule
from schemas.events.base import Channel

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_CONTACT_KEY: Final = re.compile(rf"({'|'.join(get_args(Channel))}):[^:|]{{1,255}}:.{{1,255}}", re.DOTALL)
_PREFIXED: Final = frozenset({"line_user", "facebook_user", "whatsapp_user"})
WHOLE_TENANT: Final = ""


def is_contact_key(value: str) -> bool:
    """Whether the value has the form ``channel:account:uid``."""
    return _CONTACT_KEY.fullmatch(value) is not None


def normalise(type_name: str, value: str, policy: Policy) -> str | None:
    """The value as its type spells it, or None where the validator or the block list says that it is no evidence."""
    rule = policy.rule(type_name)
    if rule is None:
        return None
    spelt = _spelt(type_name, value, rule, policy)
    return None if spelt is None or policy.block_list.fullmatch(spelt) else spelt


def scope_of(exclusive: Exclusive, value: str) -> str:
    """What a value is exclusive in: the whole tenant, or its own prefix."""
    return WHOLE_TENANT if exclusive.scope == "tenant" else value.partition(":")[0]


def _spelt(type_name: str, value: str, rule: TypeRule, policy: Policy) -> str | None:
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
