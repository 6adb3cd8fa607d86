"""The identifiers in a website's message."""

import re
from typing import Any, Final

from projections.identity.resolution.contact_values import MOST_VALUES, contact_values
from schemas.events.base import Assurance
from services.ingress.core.normalize import Fields

LONGEST_VALUE: Final = 512
_MOST_EXTERNAL: Final = 20
TENANTS_OWN: Final = re.compile(r"x_[a-z0-9_]{1,62}")
_MEMBER: Final = frozenset({"user_id", "member_id"})
TRAITS: Final = ("email", "phone")
# Other collections are not people's, and an encoded id can't be compared.
_USUAL: Final = (("collection", "users"), ("encoding", "none"))


def usable_id(value: Any, longest: int) -> str | None:
    """An id as senders write them, text or a whole number, without the space around it; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    trimmed = value.strip() if isinstance(value, str) else ""
    return trimmed if 0 < len(trimmed) <= longest else None


def unusable_ids(message: Fields, longest: int) -> Fields:
    """The message's ids that can't be read, by field: of another type, or too long. Null and blank text state none."""
    stated = {name: message.get(name) for name in ("userId", "anonymousId")}
    return {
        name: value
        for name, value in stated.items()
        if usable_id(value, longest) is None and not (value is None or (isinstance(value, str) and not value.strip()))
    }


def identifiers_of(member: str | None, traits: Any, context: Fields, assurance: Assurance) -> list[Fields]:
    """The member id of the login, e-mail and phone among the traits, and external ids, each once."""
    found = [("member_id", member)] if member else []
    for name in TRAITS if isinstance(traits, dict) else ():
        found.extend((name, value) for value in trait_values(name, traits.get(name)) or ())
    for name, text in _external(context):
        if _is_identifier(name):
            found.extend((name, value) for value in contact_values(name, text))
    return [{"type": name, "value": value, "assurance": assurance} for name, value in dict.fromkeys(found)]


def trait_values(name: str, value: Any) -> tuple[str, ...] | None:
    """The values of an e-mail or phone trait, a text or a list of them; None where it can't be read."""
    listed = value if isinstance(value, list) else [] if value in (None, "") else [value]
    texts = [usable_id(one, LONGEST_VALUE) for one in listed]
    if None in texts or len(texts) > MOST_VALUES:
        return None
    return tuple(dict.fromkeys(one for text in texts if text for one in contact_values(name, text)))


def written_otherwise(*traits: Any) -> tuple[Fields, Fields]:
    """By name, the e-mail and phone traits that differ from the values read in them, and those that can't be read."""
    as_sent: Fields = {}
    unread: Fields = {}
    for name, value in ((name, one.get(name)) for one in traits if isinstance(one, dict) for name in TRAITS):
        values = trait_values(name, value)
        if values is None:
            unread[name] = value
        elif values and values != (usable_id(value, LONGEST_VALUE),):
            as_sent[name] = value
    return as_sent, unread


def member_id_in(context: Fields, longest: int) -> str | None:
    """The user id among the external ids, for a message that has none of its own."""
    return next((value for name, value in _external(context) if name in _MEMBER and len(value) <= longest), None)


def unread_external_ids(context: Fields) -> list[Any]:
    """The external ids that neither ``identifiers_of`` nor ``member_id_in`` takes, such as those of other services."""
    listed = context.get("externalIds")
    return [one for one in listed if not _is_read(one)] if isinstance(listed, list) else []


def _is_read(one: Any) -> bool:
    found = _external({"externalIds": [one]})
    return bool(found) and (found[0][0] in _MEMBER or _is_identifier(found[0][0]))


def _is_identifier(type_name: str) -> bool:
    return type_name in TRAITS or TENANTS_OWN.fullmatch(type_name) is not None


def _external(context: Fields) -> list[tuple[str, str]]:
    """Type and value of the external ids that are a person's and are sent as they are."""
    listed = context.get("externalIds")
    found = []
    for one in listed[:_MOST_EXTERNAL] if isinstance(listed, list) else []:
        if isinstance(one, dict) and all(one.get(name, usual) == usual for name, usual in _USUAL):
            type_name, value = one.get("type"), usable_id(one.get("id"), LONGEST_VALUE)
            if isinstance(type_name, str) and value is not None:
                found.append((type_name, value))
    return found
