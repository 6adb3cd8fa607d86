"""What a `merge` of RudderStack's says: ids and identifiers that are of one person (pure).

Its ``mergeProperties`` are a list of ``{type, value}``, usually two. A user id among them is a member, an anonymous id
a browser; e-mails, phones and a tenant's own types are identifiers. RudderStack takes any word for a type: which words
mean the same is a list here. A type that is not in it is kept, says nothing, and is warned of.
"""

import re
from typing import Any, Final, NamedTuple

from projections.identity.resolution.contact_values import contact_values
from services.ingress.core.normalize import Fields
from services.ingress.core.web_identity import LONGEST_VALUE, TENANTS_OWN, usable_id

PROPERTIES: Final = "mergeProperties"
_MOST: Final = 20
_LETTERS: Final = re.compile(r"[^a-z]")
# Types by their letters: `user_id`, `userId` and `User ID` are one.
_TYPES: Final = {
    **dict.fromkeys(("userid", "memberid"), "member_id"),
    **dict.fromkeys(("anonymousid", "anonid"), "anonymous_id"),
    **dict.fromkeys(("email", "emailaddress", "mail"), "email"),
    **dict.fromkeys(("phone", "phonenumber", "mobile", "mobilenumber", "mobilephone", "cellphone", "tel"), "phone"),
}


class Merged(NamedTuple):
    """What a merge names, each once, in its order; ``identifiers`` as (type, text), ``unread`` what means nothing."""

    members: tuple[str, ...] = ()
    browsers: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    unread: tuple[Any, ...] = ()

    def values(self) -> list[tuple[str, str]]:
        """The identifiers, each value of a text by itself, as (type, value)."""
        return [(name, value) for name, text in self.identifiers for value in contact_values(name, text)]


def merged_in(fields: Fields, longest: int) -> Merged:
    """What the message names as one person's; ids are at most so ``longest``."""
    listed = _listed(fields.get(PROPERTIES))
    found: list[tuple[str, str]] = []
    unread: list[Any] = listed[_MOST:]
    for one in listed[:_MOST]:
        read = _read(one, longest)
        if read is None:
            unread.append(one)
        else:
            found.append(read)
    distinct = dict.fromkeys(found)
    return Merged(
        tuple(value for name, value in distinct if name == "member_id"),
        tuple(value for name, value in distinct if name == "anonymous_id"),
        tuple(one for one in distinct if one[0] not in {"member_id", "anonymous_id"}),
        tuple(unread),
    )


def with_ids_of_merge(fields: Fields, longest: int) -> Fields:
    """The message of a merge; where it has no user id or anonymous id of its own, with the first that it merges."""
    merged = merged_in(fields, longest)
    first = {"userId": merged.members[:1], "anonymousId": merged.browsers[:1]}
    lacking = {name for name in first if usable_id(fields.get(name), longest) is None}
    return fields | {name: ids[0] for name, ids in first.items() if ids and name in lacking}


def _listed(properties: Any) -> list[Any]:
    """The properties as a list: one by itself, or an object of them by their types, are read as well."""
    if isinstance(properties, dict):
        named = [{"type": name, "value": value} for name, value in properties.items()]
        return [properties] if properties.keys() == {"type", "value"} else named
    if isinstance(properties, list):
        return properties
    return [] if properties is None else [properties]


def _read(one: Any, longest: int) -> tuple[str, str] | None:
    if not isinstance(one, dict) or not isinstance(given := one.get("type"), str):
        return None
    name = _TYPES.get(_LETTERS.sub("", given.lower()), given if TENANTS_OWN.fullmatch(given) else None)
    value = usable_id(one.get("value"), longest if name in {"member_id", "anonymous_id"} else LONGEST_VALUE)
    return None if name is None or value is None else (name, value)
