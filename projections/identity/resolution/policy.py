"""A tenant's policy: which identifiers link contacts, how strongly, and which distinguish people.

A policy is data. ``Policy.from_json`` overrides the defaults by a tenant's settings, so ``{}`` is the default policy::

    {
      "default_region": "TW",          region of phone numbers written without a country code
      "phones": "valid",               or "possible": of the right length is enough
      "shared_device_limit": 3,        most values of one exclusive type and scope ever asserted of one contact
      "blocked": ["[0-]*", "null"],    regular expressions, matched whole and in any case; in place of the defaults
      "also_blocked": ["vip"],         the same, added to them
      "types": {
        "phone": {"claimed": null, "limit": 4},
        "x_card": {"verified": 1, "claimed": 3, "exclusive": {"scope": "tenant", "guards": 2}, "limit": 5}
      }
    }

``verified`` and ``claimed`` are tiers, 1 the strongest; null says that such a statement makes no link. ``exclusive``
(null: not) says that one person has one: ``scope`` is ``tenant``, or ``prefix`` for values such as ``provider:UID``
where each provider counts by itself; it stops links of tier ``guards`` and weaker, 0 for every tier. ``limit`` is how
many contacts may hold a value before it is generic. A type a tenant adds is named ``x_…``.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

Tier = Annotated[int, Field(ge=1, le=9)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]

DEFAULT_BLOCKED: Final = (
    "[0-]*",  # nothing, zeros and dashes
    "-1",
    "null",
    r"\(null\)",
    "none",
    "nil",
    "nan",
    "n/?a",
    "undefined",
    "unknown",
    "anonymous",
    r"\[object object\]",
    r"test@test\.com",
)
MAX_PATTERNS: Final = 1000
MAX_PATTERN_LENGTH: Final = 200
_TENANTS_OWN: Final = re.compile(r"x_[a-z0-9_]{1,62}")
_QUANTIFIED_GROUP: Final = re.compile(r"(?<!\\)\)[*+{]")


class InvalidPolicy(ValueError):
    """The data is no valid policy; the message names the part and the reason."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Exclusive(_Part):
    """One person has one value in this scope; different values prevent links of tier ``guards`` and weaker."""

    scope: Literal["tenant", "prefix"] = "tenant"
    guards: Annotated[int, Field(ge=0, le=9)] = 0


class TypeRule(_Part):
    """How the statements of an identifier type count."""

    verified: Tier | None = 2
    claimed: Tier | None = 3
    exclusive: Exclusive | None = None
    limit: Count = 10


_EVERY_TIER: Final = 0
_SOFT_TIERS: Final = 2
X_RULE: Final = TypeRule()
DEFAULT_TYPES: Final[Mapping[str, TypeRule]] = {
    "member_id": TypeRule(verified=1, claimed=1, exclusive=Exclusive(scope="tenant", guards=_EVERY_TIER), limit=50),
    "line_user": TypeRule(verified=1, claimed=None, exclusive=Exclusive(scope="prefix", guards=_SOFT_TIERS), limit=100),
    "facebook_user": TypeRule(
        verified=1, claimed=None, exclusive=Exclusive(scope="prefix", guards=_SOFT_TIERS), limit=100
    ),
    "whatsapp_user": TypeRule(verified=1, claimed=None, limit=20),
    "contact": TypeRule(verified=2, claimed=None, limit=20),
    "phone": TypeRule(verified=2, claimed=3, limit=10),
    "email": TypeRule(verified=2, claimed=3, limit=10),
}


class Policy(_Part):
    """How a tenant resolves identities. A frozen value; ``Policy()`` is the default."""

    default_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "TW"
    phones: Literal["valid", "possible"] = "valid"
    shared_device_limit: Count = 3
    blocked: tuple[str, ...] = DEFAULT_BLOCKED
    types: Mapping[str, TypeRule] = DEFAULT_TYPES

    @field_validator("blocked")
    @classmethod
    def _patterns_are_safe(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        if len(patterns) > MAX_PATTERNS:
            raise ValueError(f"at most {MAX_PATTERNS} patterns")
        for pattern in patterns:
            _check_pattern(pattern)
        _compiled(patterns)
        return patterns

    @field_validator("types")
    @classmethod
    def _types_are_known(cls, types: Mapping[str, TypeRule]) -> Mapping[str, TypeRule]:
        for name in types:
            if name not in DEFAULT_TYPES and not _TENANTS_OWN.fullmatch(name):
                raise ValueError(f"{name!r} is no identifier type; a tenant's own begins with x_")
        if types.get("contact", X_RULE).exclusive:
            raise ValueError("contact can't be exclusive: its value names another contact")
        return {**DEFAULT_TYPES, **types}

    def rule(self, type_name: str) -> TypeRule | None:
        """The rule of the type, or None if it is no identifier type."""
        known = self.types.get(type_name)
        if known is None and _TENANTS_OWN.fullmatch(type_name):
            return X_RULE
        return known

    @cached_property
    def block_list(self) -> re.Pattern[str]:
        """The expression that matches blocked values as a whole."""
        return _compiled(self.blocked)

    @classmethod
    def from_json(cls, settings: Any, default_region: str = "TW") -> "Policy":
        """The default policy, overridden by a tenant's settings (parsed JSON). Raises InvalidPolicy.

        ``default_region`` is for settings that name none.
        """
        if not isinstance(settings, dict):
            raise InvalidPolicy("a policy is a JSON object")
        rest = {"default_region": default_region, **settings}
        blocked = _strings(rest.pop("blocked", list(DEFAULT_BLOCKED)), "blocked")
        also_blocked = _strings(rest.pop("also_blocked", []), "also_blocked")
        types = rest.pop("types", {})
        if not isinstance(types, dict):
            raise InvalidPolicy("types: must be an object, a type's name to its rule")
        try:
            return cls(
                **rest,
                blocked=blocked + also_blocked,
                types={name: _rule(name, setting) for name, setting in types.items()},
            )
        except ValidationError as error:
            raise InvalidPolicy(_sentence(error)) from None

    def to_json(self) -> dict[str, Any]:
        """The whole policy as JSON, which ``from_json`` reads."""
        return self.model_dump(mode="json")


def _check_pattern(pattern: str) -> None:
    """Refuse patterns that a hostile value could make exponentially slow: those that repeat a group."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise ValueError(f"a pattern is at most {MAX_PATTERN_LENGTH} characters")
    if _QUANTIFIED_GROUP.search(pattern):
        raise ValueError(f"{pattern!r} repeats a group, which can match for ever")
    _compiled((pattern,))


def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all patterns: one match a pattern would cost as much as the rest of normalising."""
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    try:
        return re.compile(joined or "(?!)", re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{joined!r} is no regular expression: {error}") from None


def _rule(name: str, setting: Any) -> TypeRule:
    if not isinstance(setting, dict):
        raise InvalidPolicy(f"types.{name}: must be an object")
    base = DEFAULT_TYPES.get(name, X_RULE).model_dump()
    if isinstance(setting.get("exclusive"), dict) and base["exclusive"]:
        setting = setting | {"exclusive": base["exclusive"] | setting["exclusive"]}
    try:
        return TypeRule.model_validate(base | setting)
    except ValidationError as error:
        raise InvalidPolicy(f"types.{name}.{_sentence(error)}") from None


def _strings(value: Any, field: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidPolicy(f"{field}: must be a list of strings")
    return tuple(value)


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
