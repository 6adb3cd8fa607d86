"""A tenant's policy as a form: what its fields hold, the settings that they stand for, and what is wrong (pure).

A field has the name of the part that it sets, such as ``types.phone.limit``. What was typed is kept as it is, so that a
form that can't be saved is shown again as it was sent.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from projections.identity.resolution.links import CONTACT, MEMBER_ID
from projections.identity.resolution.policy import DEFAULT_TYPES, InvalidPolicy, Policy, TypeRule
from services.console.core.condition_forms import FormFields

TIERS: Final = ("verified", "stated", "claimed")
LIMITS: Final = ("limit", "claimed_limit")
NUMBERS: Final = ("shared_device_limit",)
TEXTS: Final = ("default_region", "phones")
LISTS: Final = ("blocked", "blocked_member_ids")
TYPES: Final = "types"
NEW_TYPE: Final = "new_type"
FIXED_EXCLUSIVE: Final = frozenset({MEMBER_ID, CONTACT})  # what the rules leave no choice about
WITHOUT_PREFIX: Final = frozenset({"phone", "email"})
_MOST_TYPES: Final = 250  # a few more than the validator takes, so that it says what is wrong
_NAME: Final = re.compile(r"[a-z0-9_]{1,64}")
_LONGEST: Final = 8  # digits of a number that is read; the validator refuses a longer one as a text


@dataclass(frozen=True, slots=True)
class PolicyDraft:
    """A policy that is being written: its identifier types, and the texts of its fields by their names."""

    types: tuple[str, ...]
    texts: Mapping[str, str]

    def text(self, field: str) -> str:
        """What a field holds."""
        return self.texts.get(field, "")

    def with_type(self, name: str) -> "PolicyDraft":
        """With another identifier type, which begins with the rule of ``x_`` types."""
        if name in self.types:
            return self
        return PolicyDraft((*self.types, name), {**self.texts, **_texts_of_rule(name, TypeRule())})

    def without_type(self, name: str) -> "PolicyDraft":
        """Without a type of the tenant's own."""
        kept = tuple(one for one in self.types if one != name or one in DEFAULT_TYPES)
        return PolicyDraft(kept, self.texts)


def draft_of(settings: Mapping[str, Any], region: str) -> PolicyDraft:
    """The form of a valid policy. ``region`` is the tenant's."""
    policy = Policy.from_log(dict(settings), region)
    texts = {
        "default_region": policy.default_region if "default_region" in settings else "",
        "phones": policy.phones,
        "shared_device_limit": str(policy.shared_device_limit),
        "blocked": _lines(policy.blocked),
        "blocked_member_ids": _lines(policy.blocked_member_ids),
    }
    for name, rule in policy.types.items():
        texts |= _texts_of_rule(name, rule)
    own = sorted(policy.types.keys() - DEFAULT_TYPES.keys())
    return PolicyDraft((*DEFAULT_TYPES, *own), texts)


def draft_in(form: FormFields) -> PolicyDraft:
    """What was typed into the form."""
    sent = [one for one in form.all("type") if _NAME.fullmatch(one)]
    types = tuple(dict.fromkeys((*DEFAULT_TYPES, *sent)))[:_MOST_TYPES]
    names = [*NUMBERS, *TEXTS, *LISTS, *(field for name in types for field in fields_of(name))]
    return PolicyDraft(types, {name: form.one(name) for name in names})


def fields_of(type_name: str) -> list[str]:
    """The names of the fields of an identifier type."""
    return [f"{TYPES}.{type_name}.{part}" for part in (*TIERS, *LIMITS, "exclusive", "guards")]


def settings_of(draft: PolicyDraft) -> dict[str, Any]:
    """The settings that the form stands for, valid or not."""
    settings: dict[str, Any] = {name: _number(draft.text(name)) for name in NUMBERS}
    settings |= {name: draft.text(name) for name in TEXTS if draft.text(name)}
    settings |= {name: _patterns(draft.text(name)) for name in LISTS}
    return settings | {TYPES: {name: _rule_in(draft, name) for name in draft.types}}


def problems_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """What the validator says of each field, in English; nothing if the settings are a policy.

    Every part is validated by itself, so that all that is wrong is found at once.
    """
    found: dict[str, str] = {}
    rest = {name: part for name, part in settings.items() if name != TYPES}
    _check(found, ({name: part} for name, part in rest.items()))
    _check(found, ({TYPES: {name: rule}} for name, rule in settings.get(TYPES, {}).items()))
    if not found:
        _check(found, [dict(settings)])
    return found


def _check(found: dict[str, str], parts: Iterable[dict[str, Any]]) -> None:
    for part in parts:
        try:
            Policy.from_json(part)
        except InvalidPolicy as error:
            detail = str(error).removeprefix(f"{error.field}: ").removeprefix("Value error, ")
            found.setdefault(_field_of(error.field, part), detail)


def _field_of(field: str, part: Mapping[str, Any]) -> str:
    """The field to which a problem belongs. What is wrong with one type as a whole is how it is exclusive."""
    if field == TYPES and len(part.get(TYPES, ())) == 1:
        return f"{TYPES}.{next(iter(part[TYPES]))}.exclusive"
    return field.removesuffix(".scope").replace("exclusive.guards", "guards") or TYPES


def _texts_of_rule(name: str, rule: TypeRule) -> dict[str, str]:
    where = f"{TYPES}.{name}."
    texts = {f"{where}{tier}": _text(getattr(rule, tier)) for tier in TIERS}
    texts |= {f"{where}{limit}": str(getattr(rule, limit)) for limit in LIMITS}
    scope, guards = (rule.exclusive.scope, str(rule.exclusive.guards)) if rule.exclusive else ("", "0")
    return texts | {f"{where}exclusive": scope, f"{where}guards": guards}


def _rule_in(draft: PolicyDraft, name: str) -> dict[str, Any]:
    where = f"{TYPES}.{name}."
    rule: dict[str, Any] = {tier: _tier(draft.text(f"{where}{tier}")) for tier in TIERS}
    rule |= {limit: _number(draft.text(f"{where}{limit}")) for limit in LIMITS}
    if name in FIXED_EXCLUSIVE:
        return rule
    scope = draft.text(f"{where}exclusive")
    guards = _number(draft.text(f"{where}guards"))
    return rule | {"exclusive": {"scope": scope, "guards": guards} if scope else None}


def _tier(text: str) -> int | str | None:
    return _number(text) if text else None


def _number(text: str) -> int | str:
    """A number, or the text that is none, which the validator refuses."""
    stripped = text.strip()
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) <= _LONGEST else text


def _text(tier: int | None) -> str:
    return "" if tier is None else str(tier)


def _lines(patterns: Iterable[str]) -> str:
    """A pattern a line; a line break within a pattern is written as its escape, which matches the same."""
    return "\n".join(one.replace("\r", r"\r").replace("\n", r"\n") for one in patterns)


def _patterns(text: str) -> list[str]:
    return [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
