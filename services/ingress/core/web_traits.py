"""Segment's traits as a profile and as custom attributes.

An attribute's key is the trait's name with ``_`` for characters that a key can't have; a nested trait is named after
both levels (``address_city``), as in Segment's own warehouses. Lists and deeper values are kept as JSON text. Traits
that make no attribute, because of their name, length or number, are returned, so that they are not lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import orjson

from services.ingress.core.normalize import Fields
from services.ingress.core.web_identity import TRAITS

MAX_ATTRIBUTES: Final = 100
_LONGEST_TEXT: Final = 1000
_KEY: Final = re.compile(r"[A-Za-z0-9_]{1,100}")
_NOT_OF_A_KEY: Final = re.compile(r"[^A-Za-z0-9_]+")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DATETIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d[0-9:.,+Z-]*", re.ASCII)
_CJK: Final = re.compile(r"[\u3400-\u9fff\uac00-\ud7af]+")
_PROFILE: Final = frozenset({"name", "avatar", "locale"})
# As Segment's and RudderStack's documentations spell them, and senders in Python and Ruby.
_FIRST: Final = ("firstName", "firstname", "first_name")
_LAST: Final = ("lastName", "lastname", "last_name")


@dataclass(slots=True)
class Attributes:
    """Attributes by key, as the data of ``attribute.set``, or None where the trait was taken away; and what is left."""

    values: dict[str, Fields | None] = field(default_factory=dict)
    left: Fields = field(default_factory=dict)


def profile_of(traits: Fields, context: Fields) -> Fields:
    """The data of ``profile.updated``; the language of the browser, or app, where the traits name none."""
    profile = {
        "display_name": _text(traits.get("name")) or _full_name(traits),
        "avatar": _text(traits.get("avatar")),
        "locale": _text(traits.get("locale")) or _text(context.get("locale")),
    }
    return {name: value for name, value in profile.items() if value}


def attributes_of(traits: Fields) -> Attributes:
    """Every other trait, as an attribute or as left over."""
    found = Attributes()
    for name, value in _flat(traits):
        key = name if _KEY.fullmatch(name) else _NOT_OF_A_KEY.sub("_", name).strip("_")
        data = _data(key, value)
        if not _KEY.fullmatch(key) or key in found.values or len(found.values) == MAX_ATTRIBUTES or data is _UNFIT:
            found.left[name] = value
        else:
            found.values[key] = data
    return found


_UNFIT: Final[Fields] = {}


def _data(key: str, value: Any) -> Fields | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return {"key": key, "value": value, "type": "boolean"}
    if isinstance(value, int | float):
        return {"key": key, "value": value, "type": "number"}
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    if len(text) > _LONGEST_TEXT:
        return _UNFIT
    return {"key": key, "value": text, "type": _type_of(text)}


def _type_of(text: str) -> str:
    if _DATE.fullmatch(text) and _reads(date.fromisoformat, text):
        return "date"
    return "datetime" if _DATETIME.fullmatch(text) and _reads(datetime.fromisoformat, text) else "text"


def _reads(read: Any, text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _flat(traits: Fields) -> Iterator[tuple[str, Any]]:
    for name, value in traits.items():
        if _is_read_elsewhere(name, value):
            continue
        if isinstance(value, dict) and value:
            yield from ((f"{name}_{inner}", nested) for inner, nested in value.items())
        else:
            yield name, value


def _is_read_elsewhere(name: str, value: Any) -> bool:
    """Whether a trait belongs to the profile or the identifiers; of the profile a list is none, whatever its name."""
    if name in _PROFILE:
        return value is None or isinstance(value, str)
    return name in TRAITS


def _text(value: Any) -> str | None:
    return (value.strip() or None) if isinstance(value, str) else None


def _full_name(traits: Fields) -> str | None:
    first, last = (next(filter(None, map(_text, map(traits.get, names))), None) for names in (_FIRST, _LAST))
    if first and last:
        return f"{last}{first}" if _CJK.fullmatch(first + last) else f"{first} {last}"
    return first or last
