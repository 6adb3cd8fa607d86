"""Sentences for people about values that are no evidence: "the phone +551 is no valid number"."""

from typing import Final

from projections.identity.resolution.links import CONTACT, MEANINGS, MEMBER_ID, SetAsideReason
from projections.identity.resolution.policy import Policy

_LONGEST_SHOWN: Final = 80
_NOUNS: Final = {MEMBER_ID: "member id", "email": "e-mail"}
_NO_VALUES: Final = {
    "phone": "is no valid number",
    "email": "is no valid address",
    CONTACT: "is no contact key, channel:account:uid",
}


def detail_of(type_name: str, value: str, reason: SetAsideReason, policy: Policy) -> str:
    """Why the value, as it was stated, is no evidence under the policy."""
    if reason == "no_value" and type_name != CONTACT and policy.rule(type_name) is None:
        return f"{type_name} is no type of identifier"
    shown = value.strip()[:_LONGEST_SHOWN]
    named = f"the {_NOUNS.get(type_name, type_name)} {shown}".rstrip()
    if reason != "no_value":
        return f"{named} is {MEANINGS[reason]}" if reason == "blocked" else f"{named}: {MEANINGS[reason]}"
    if not shown:
        return f"{named} is empty"
    return f"{named} {_NO_VALUES.get(type_name, 'is not of the form scope:id')}"
