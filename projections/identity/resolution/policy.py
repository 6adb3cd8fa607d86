"""A tenant's policy: which identifiers tie contacts together, how strongly, and which tell people apart.

A policy is data. ``Policy.from_json`` lays a tenant's settings over the defaults: ``{}`` is the default policy::

    {
      "default_region": "TW",          region of phone numbers written without a country code
      "phones": "valid",               or "possible": of the right length is enough
      "shared_device_limit": 3,        most values of one exclusive type and scope that one node may have
      "blocked": ["[0-]*", "null"],    regular expressions of RE2, matched whole and in any case, in place of the
                                       default ones, also of those for member ids alone
      "also_blocked": ["vip"],         the same, added to them
      "types": {
        "phone": {"claimed": null, "limit": 4},
        "x_card": {"verified": 1, "claimed": 3, "exclusive": {"scope": "tenant", "guards": 2}, "limit": 5}
      }
    }

``verified``, ``stated`` and ``claimed`` are tiers, 1 the strongest; null says that such a statement makes no link.
``exclusive`` (null: not) says that one person has one: ``scope`` is ``tenant``, or ``prefix`` for values such as
``provider:UID`` where each provider counts by itself; it stops links of tier ``guards`` and weaker, 0 for every tier.
``limit`` is how many people may hold a value before it is generic, ``claimed_limit`` the same among those who only
claim it. A type that is not in the table is a tenant's own; by its rule, else by that of ``x_…``. No type can be named
``staff`` or ``session``: links between two nodes have these names.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from projections.identity.resolution.block_list import (
    DEFAULT_BLOCKED,
    DEFAULT_BLOCKED_MEMBER_IDS,
    BlockList,
    InvalidPattern,
    block_list,
)
from projections.identity.resolution.links import CONTACT, MEMBER_ID, SESSION, STAFF

Tier = Annotated[int, Field(ge=1, le=9)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]

MAX_TYPES: Final = 200
_WITHOUT_PREFIX: Final = frozenset({"phone", "email"})
_TAKEN: Final = frozenset({STAFF, SESSION})  # the types of links whose value is another node
_TYPE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PART_NAME: Final = re.compile(r"[a-z_]{1,64}")
_TENANTS_OWN: Final = re.compile(r"x_[a-z0-9_]{1,62}")


class InvalidPolicy(ValueError):
    """This is no policy; the message says which part and why.

    ``field`` is the part, such as ``types.phone.limit``; empty for the whole policy.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Exclusive(_Part):
    """One person has one value of this scope; different ones stop links of tier ``guards`` and weaker."""

    scope: Literal["tenant", "prefix"] = "tenant"
    guards: Annotated[int, Field(ge=0, le=9)] = 0


class TypeRule(_Part):
    """What an identifier type is worth."""

    verified: Tier | None = 2
    stated: Tier | None = 3
    claimed: Tier | None = 4
    exclusive: Exclusive | None = None
    limit: Count = 10
    claimed_limit: Count = 4

    def is_claim(self, tier: int) -> bool:
        """Whether only a claim is of this tier."""
        return tier == self._claim_tier

    @cached_property
    def _claim_tier(self) -> int | None:
        return None if self.claimed in {self.verified, self.stated} else self.claimed

    def most_people(self, tier: int) -> int:
        """How many people may hold a value at this tier before it is generic."""
        return min(self.limit, self.claimed_limit) if self.is_claim(tier) else self.limit


_EVERY_TIER: Final = 0
_SOFT_TIERS: Final = 2
_CHANNEL_USER: Final = TypeRule(
    verified=1, stated=None, claimed=None, exclusive=Exclusive(scope="prefix", guards=_SOFT_TIERS), limit=100
)
X_RULE: Final = TypeRule()
DEFAULT_TYPES: Final[Mapping[str, TypeRule]] = {
    MEMBER_ID: TypeRule(
        verified=1, stated=1, claimed=2, exclusive=Exclusive(guards=_EVERY_TIER), limit=50, claimed_limit=10
    ),
    "line_user": _CHANNEL_USER,
    "facebook_user": _CHANNEL_USER,
    "instagram_user": _CHANNEL_USER,
    "whatsapp_user": TypeRule(verified=1, stated=None, claimed=None, limit=20),
    CONTACT: TypeRule(verified=2, stated=2, claimed=None, limit=20),
    "phone": TypeRule(),
    "email": TypeRule(),
}


class Policy(_Part):
    """How a tenant resolves identities. A frozen value; ``Policy()`` is the default."""

    default_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "TW"
    phones: Literal["valid", "possible"] = "valid"
    shared_device_limit: Count = 3
    blocked: tuple[str, ...] = DEFAULT_BLOCKED
    blocked_member_ids: tuple[str, ...] = DEFAULT_BLOCKED_MEMBER_IDS
    types: Mapping[str, TypeRule] = DEFAULT_TYPES

    @field_validator("blocked", "blocked_member_ids")
    @classmethod
    def _patterns_are_valid(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        block_list(patterns)
        return patterns

    @field_validator("types")
    @classmethod
    def _types_can_be(cls, types: Mapping[str, TypeRule]) -> Mapping[str, TypeRule]:
        if types.get(MEMBER_ID, DEFAULT_TYPES[MEMBER_ID]).exclusive != DEFAULT_TYPES[MEMBER_ID].exclusive:
            raise ValueError("member_id is exclusive in the tenant and guards every tier")
        if types.get(CONTACT, X_RULE).exclusive:
            raise ValueError("contact can't be exclusive: its value names another contact")
        for name in _WITHOUT_PREFIX & types.keys():
            exclusive = types[name].exclusive
            if exclusive is not None and exclusive.scope == "prefix":
                raise ValueError(f"{name} can't be exclusive by its prefix: it has none")
        return {**DEFAULT_TYPES, **types}

    def rule(self, type_name: str) -> TypeRule | None:
        """What the type is worth, or None for a type that is no identifier."""
        known = self.types.get(type_name)
        if known is None and _TENANTS_OWN.fullmatch(type_name):
            return X_RULE
        return known

    def is_blocked(self, type_name: str, value: str) -> bool:
        """Whether the block list has this normalised value of the type."""
        return (self._member_ids if type_name == MEMBER_ID else self._others).blocks(value)

    @cached_property
    def known_values(self) -> dict[tuple[str, str, bool], Any]:
        """A cache of `values.normalise`, by type, value and whether it is intrinsic."""
        return {}

    @cached_property
    def _others(self) -> BlockList:
        return block_list(self.blocked)

    @cached_property
    def _member_ids(self) -> BlockList:
        return block_list(self.blocked + self.blocked_member_ids)

    @classmethod
    def from_json(cls, settings: Any, default_region: str = "TW") -> "Policy":
        """The default policy with a tenant's settings (parsed JSON) over it.

        ``default_region`` is for settings that name none. Raises InvalidPolicy, and nothing else whatever the settings.
        """
        if not isinstance(settings, dict):
            raise InvalidPolicy("a policy is a JSON object")
        parts = {"default_region": default_region, **settings}
        replaced = "blocked" in parts
        blocked = _strings(parts.pop("blocked", list(DEFAULT_BLOCKED)), "blocked")
        also_blocked = _strings(parts.pop("also_blocked", []), "also_blocked")
        member_ids = _strings(
            parts.pop("blocked_member_ids", [] if replaced else list(DEFAULT_BLOCKED_MEMBER_IDS)), "blocked_member_ids"
        )
        types = _types(parts.pop("types", {}))
        patterns = {"blocked": blocked + also_blocked, "blocked_member_ids": member_ids}
        try:
            policy = cls.model_validate({**_named(parts), **patterns, "types": types})
            block_list(policy.blocked + policy.blocked_member_ids)
        except ValidationError as error:
            raise _invalid(error) from None
        except InvalidPattern as error:
            raise InvalidPolicy(str(error), "blocked") from None
        return policy

    @classmethod
    def from_log(cls, settings: Any, default_region: str = "TW") -> "Policy":
        """The policy of an event: as ``from_json``, but what it can't say of a type is left out.

        That is whether member_id is exclusive, and types of a name that is taken.
        """
        types = settings.get("types") if isinstance(settings, dict) else None
        if isinstance(types, dict):
            settings = settings | {
                "types": {name: _kept(name, rule) for name, rule in types.items() if name not in _TAKEN}
            }
        return cls.from_json(settings, default_region)

    def to_json(self) -> dict[str, Any]:
        """The whole policy as JSON; ``from_json`` reads it back."""
        return self.model_dump(mode="json")


def _kept(name: Any, rule: Any) -> Any:
    if name != MEMBER_ID or not isinstance(rule, dict):
        return rule
    return {key: part for key, part in rule.items() if key != "exclusive"}


def _types(settings: Any) -> dict[str, TypeRule]:
    if not isinstance(settings, dict):
        raise InvalidPolicy("must be an object, a type's name to its rule", "types")
    if len(settings) > MAX_TYPES:
        raise InvalidPolicy(f"at most {MAX_TYPES}", "types")
    for name in settings:
        if not isinstance(name, str) or not _TYPE_NAME.fullmatch(name):
            raise InvalidPolicy(f"{_shown(name)} is no name of an identifier type", "types")
        if name in _TAKEN:
            raise InvalidPolicy("links between two contacts have this name: choose another one", f"types.{name}")
    return {name: _rule(name, part) for name, part in settings.items()}


def _rule(name: str, settings: Any) -> TypeRule:
    if not isinstance(settings, dict):
        raise InvalidPolicy("must be an object", f"types.{name}")
    base = DEFAULT_TYPES.get(name, X_RULE).model_dump()
    if isinstance(settings.get("exclusive"), dict):
        exclusive = _named(settings["exclusive"], f"types.{name}.exclusive.")
        settings = settings | {"exclusive": (base["exclusive"] or {}) | exclusive}
    try:
        return TypeRule.model_validate(base | _named(settings, f"types.{name}."))
    except ValidationError as error:
        raise _invalid(error, f"types.{name}.") from None


def _named(parts: Mapping[Any, Any], where: str = "") -> dict[str, Any]:
    """The parts, if each has a name that a message can show."""
    for name in parts:
        if not isinstance(name, str) or not _PART_NAME.fullmatch(name):
            raise InvalidPolicy(f"{where}{_shown(name)} is no part of a policy")
    return dict(parts)


def _strings(value: Any, field: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidPolicy("must be a list of strings", field)
    return tuple(value)


def _shown(name: Any) -> str:
    return ascii(name[:64] if isinstance(name, str) else type(name).__name__)


def _invalid(error: ValidationError, where: str = "") -> InvalidPolicy:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return InvalidPolicy(first["msg"], where + ".".join(str(part) for part in first["loc"]))
