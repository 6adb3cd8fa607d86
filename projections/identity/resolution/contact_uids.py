"""The one uid of a contact that senders and requests may name in two ways: a WhatsApp number with two spellings."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from projections.identity.resolution.phones import matching_key

_REMEMBERED: Final = 16_384  # numbers: a webhook names one several times, and its person writes again
_NUMBER: Final = re.compile(r"\+?[0-9]+")


@lru_cache(maxsize=_REMEMBERED)
def one_spelling(number: str) -> str:
    """The digits of a number in the one spelling that names its contact, whichever of its spellings is given."""
    return matching_key(f"+{number}").removeprefix("+")


def one_uid(channel: str, uid: str) -> str:
    """The uid that names the contact: on WhatsApp a number in its one spelling, without a plus; else as it is given."""
    if channel == "whatsapp" and _NUMBER.fullmatch(uid):
        return one_spelling(uid.removeprefix("+")) or uid
    return uid


def with_one_uid(contact: Mapping[str, Any]) -> dict[str, Any]:
    """A contact's parts as they were parsed, valid or not, under its one uid."""
    channel, uid = contact.get("channel"), contact.get("uid")
    if not isinstance(channel, str) or not isinstance(uid, str):
        return dict(contact)
    return dict(contact) | {"uid": one_uid(channel, uid)}
