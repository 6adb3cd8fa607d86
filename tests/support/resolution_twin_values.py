"""The twin's policy and values: the policy as JSON over the default, and what each type makes of a value."""

import re
import unicodedata
from contextlib import suppress
from typing import Any, Final

import idna
import phonenumbers

Json = dict[str, Any]

CHANNELS: Final = {"line", "facebook", "instagram", "whatsapp", "web", "crm"}
ANYBODY: Final = (
    "[0-]*|-1|null|\\(null\\)|none|nil|nan|n/?a|undefined|unknown|anonymous|\\[object object\\]|test@test\\.com"
)
NO_MEMBER: Final = (
    "true|false|guest|user|id|test|visitor|distinct_id|not_authenticated|\\[\\]|\\{\\}|''|\"\"|訪客|未登入"
)
PREFIXED: Final = {"line_user", "facebook_user", "instagram_user", "whatsapp_user"}
REWRITTEN: Final = [
    (r"\+55(\d\d)9([6-9]\d{7})", r"+55\1\2"),
    (r"\+521(\d{10})", r"+52\1"),
    (r"\+549(\d{10})", r"+54\1"),
    (r"\+22901(\d{8})", r"+229\1"),
    (r"\+225(?:01|05|07|21|25|27)(\d{8})", r"+225\1"),
]


def _type(tiers: str, limits: tuple[int, int], exclusive: Json | None = None) -> Json:
    verified, stated, claimed = (None if tier == "-" else int(tier) for tier in tiers)
    limit, claimed_limit = limits
    return {
        "verified": verified,
        "stated": stated,
        "claimed": claimed,
        "limit": limit,
        "claimed_limit": claimed_limit,
        "exclusive": exclusive,
    }


TYPES: Final = {
    "member_id": _type("112", (50, 10), {"scope": "tenant", "guards": 0}),
    "line_user": _type("1--", (100, 4), {"scope": "prefix", "guards": 2}),
    "facebook_user": _type("1--", (100, 4), {"scope": "prefix", "guards": 2}),
    "instagram_user": _type("1--", (100, 4), {"scope": "prefix", "guards": 2}),
    "whatsapp_user": _type("1--", (20, 4)),
    "contact": _type("22-", (20, 4)),
    "phone": _type("234", (10, 4)),
    "email": _type("234", (10, 4)),
}
OTHER: Final = _type("234", (10, 4))


class TwinPolicy:
    """The settings of a policy, with the default's where it leaves them out."""

    def __init__(self, settings: Json) -> None:
        self.types = {name: dict(rule) for name, rule in TYPES.items()}
        for name, changes in settings.get("types", {}).items():
            known = self.types.get(name, dict(OTHER))
            rule = known | changes
            if changes.get("exclusive") is not None:
                rule["exclusive"] = (known["exclusive"] or {"scope": "tenant", "guards": 0}) | changes["exclusive"]
            self.types[name] = rule
        self.devices: int = settings.get("shared_device_limit", 3)
        self.region: str = settings.get("default_region", "TW")
        self.possible: bool = settings.get("phones", "valid") == "possible"
        self.blocked: list[str] | None = settings.get("blocked")
        self.also_blocked: list[str] = settings.get("also_blocked", [])

    def rule(self, name: str) -> Json | None:
        return self.types.get(name) or (OTHER if name.startswith("x_") and len(name) > len("x_") else None)

    def is_claims(self, name: str, tier: int) -> bool:
        """Whether the tier is a claim's."""
        rule = self.rule(name) or OTHER
        return tier == rule["claimed"] and tier not in {rule["verified"], rule["stated"]}

    def scope(self, name: str, value: Any) -> tuple[str, str] | None:
        """The exclusive type and scope of a value."""
        exclusive = (self.rule(name) or OTHER)["exclusive"]
        if not exclusive:
            return None
        return (name, value.split(":")[0] if exclusive["scope"] == "prefix" else "")

    def guards(self, name: str, tier: int) -> bool:
        return bool((self.rule(name) or OTHER)["exclusive"]["guards"] <= tier)

    def is_blocked(self, name: str, *values: str) -> bool:
        standard = [ANYBODY, NO_MEMBER] if name == "member_id" else [ANYBODY]
        patterns = (standard if self.blocked is None else self.blocked) + self.also_blocked
        return any(re.fullmatch(f"(?:{pattern})", value, re.IGNORECASE) for pattern in patterns for value in values)


def normal(name: str, value: str, policy: TwinPolicy, *, intrinsic: bool = False) -> tuple[str | None, str]:
    """The normalised value, or None and why it is none."""
    rule = policy.rule(name)
    if rule is None:
        return None, "no_value"
    spellings = _spellings(name, value, policy, rule, intrinsic=intrinsic)
    if not spellings:
        return None, "no_value"
    return (None, "blocked") if policy.is_blocked(name, *spellings) else (spellings[-1], "")


def _spellings(name: str, value: str, policy: TwinPolicy, rule: Json, *, intrinsic: bool) -> list[str]:
    if name == "phone":
        number = _phone(value, policy, intrinsic=intrinsic)
        return [number, _matching_key(number)] if number else []
    if name == "email":
        return _email(value)
    if name == "contact":
        return [value] if _is_contact(value) else []
    text = value.strip()
    if name in PREFIXED or (rule["exclusive"] or {}).get("scope") == "prefix":
        scope, colon, rest = text.partition(":")
        return [text] if scope and colon and rest else []
    return [text] if text else []


def _phone(value: str, policy: TwinPolicy, *, intrinsic: bool) -> str | None:
    digits = "".join(str(unicodedata.decimal(char)) for char in value if unicodedata.decimal(char, None) is not None)
    digits = digits.removeprefix("00")
    for text, region, accepts in (
        (value, policy.region, phonenumbers.is_possible_number if policy.possible else phonenumbers.is_valid_number),
        (f"+{digits}", None, phonenumbers.is_valid_number),
    ):
        with suppress(phonenumbers.NumberParseException):
            number = phonenumbers.parse(text, region)
            if accepts(number):
                return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"+{digits}" if intrinsic and digits else None


def _matching_key(number: str) -> str:
    for pattern, kept in REWRITTEN:
        if re.fullmatch(pattern, number):
            return re.sub(pattern, kept, number)
    return number


def _email(value: str) -> list[str]:
    text = unicodedata.normalize("NFKC", value).strip().lower()
    if text.count("@") != 1 or any(char.isspace() for char in text):
        return []
    local, domain = text.split("@")
    labels = domain.split(".")
    if not local or len(labels) < len(["example", "tw"]) or not all(labels):
        return []
    if not domain.isascii():
        try:
            domain = idna.encode(domain).decode()
        except idna.IDNAError:
            return []
    return [f"{local}@{domain}"]


def _is_contact(value: str) -> bool:
    channel, _, rest = value.partition(":")
    account, _, uid = rest.partition(":")
    return channel in CHANNELS and 1 <= len(account) <= 255 and "|" not in account and 1 <= len(uid) <= 255
