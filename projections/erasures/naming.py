"""Rows of contacts that name another one, which was erased (pure).

In a sealed log, what an event says of another contact can't be read any more once that contact is erased, and some
events not at all. So the log no longer gives the rows that such events made; they stay until a generation is built.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from uuid import UUID

import orjson

NAMING: Final = frozenset({"timeline", "statements"})  # the tables that have events
_KEY: Final = ("channel", "account", "uid")
_COLONS: Final = 2  # in a contact's key, at least


def names_erased(
    own: UUID, row: Iterable[Any], is_erased: Callable[[UUID], bool], id_of: Callable[[str], UUID]
) -> bool:
    """Whether the row of the contact ``own`` has the key of another contact that is erased."""
    named = (id_of(key) for value in row if isinstance(value, str) for key in _keys_in_text(value))
    return any(one != own and is_erased(one) for one in named)


def _keys_in_text(text: str) -> Iterator[str]:
    if text.startswith(("{", "[")):
        try:
            yield from _keys_in(orjson.loads(text))
        except orjson.JSONDecodeError:
            return
    elif text.count(":") >= _COLONS:
        yield text


def _keys_in(value: Any) -> Iterator[str]:
    """The keys of contacts in a JSON value, each as an object of its parts or as a text."""
    match value:
        case dict():
            if all(isinstance(value.get(part), str) for part in _KEY):
                yield ":".join(value[part] for part in _KEY)
            for one in value.values():
                yield from _keys_in(one)
        case list():
            for one in value:
                yield from _keys_in(one)
        case str() if value.count(":") >= _COLONS:
            yield value
        case _:
            pass
