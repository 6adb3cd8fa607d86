"""What pydantic refuses, for the one who wrote it: where it stands in what was written, and why (pure).

Pydantic names places in its models: with the members of unions that it tried, which nobody wrote.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

_OBJECT: Final = re.compile(r"valid dictionary( or instance of \w+| or object to extract fields from)?")
_LONGEST: Final = 64  # characters of a name that are shown
_KIND: Final = "do"  # names the member of a union, where an object tells which it is
_NAMED: Final = frozenset({"missing", "extra_forbidden"})  # these end with the name of a field, also of none there is


class RefusedPlace(NamedTuple):
    """A place, such as ``filter.all[2].phone.in``, and why what stands there is refused. The whole has no name."""

    place: str
    why: str


def refusals(errors: Iterable[Mapping[str, Any]], written: Any) -> list[RefusedPlace]:
    """What is wrong with a JSON value, each place once, of pydantic's ``errors``: it tries each member of a union."""
    whys: dict[str, dict[str, None]] = {}
    for one in errors:
        whys.setdefault(_place(one, written), {})[why_of(one)] = None
    return [RefusedPlace(place, "; or: ".join(found)) for place, found in whys.items()]


def joined(place: str, part: str | int) -> str:
    """The place of a part within an object or a list at ``place``."""
    if isinstance(part, int):
        return f"{place}[{part}]"
    name = "".join(one for one in part if one.isprintable())[:_LONGEST]
    return f"{place}.{name}" if place else name


def why_of(error: Mapping[str, Any]) -> str:
    """The sentence of one of pydantic's errors, without the names of classes."""
    return _OBJECT.sub("valid object", str(error["msg"]).removeprefix("Value error, "))


def _place(error: Mapping[str, Any], written: Any) -> str:
    place, within = "", None
    named = error["type"] in _NAMED and error["loc"]  # where the whole is missing there is no name
    for part in error["loc"][: -1 if named else None]:
        if isinstance(written, dict) and part == written.get(_KIND) and within is not written:
            within = written  # the kind stands once before the parts of its member of a union
        elif _is_part(part, written):
            place, written = joined(place, part), written[part]
    return joined(place, error["loc"][-1]) if named else place


def _is_part(part: str | int, written: Any) -> bool:
    if isinstance(written, list):
        return isinstance(part, int) and part < len(written)
    return isinstance(written, dict) and part in written
