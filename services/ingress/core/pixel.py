"""A message in the query of an image's URL, as RudderStack's pixels have it, for places that run no script (pure).

Each parameter is a field; a dot leads into an object: ``properties.price=5`` is ``{"properties": {"price": "5"}}``.
"""

from collections.abc import Iterable
from typing import Any, Final

_DEEPEST: Final = 8  # objects in objects; further dots are part of the name
_WRITE_KEY: Final = "writeKey"
_ID: Final = "anonymousId"


def pixel_message(parameters: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The message that the parameters make; of one that is repeated, or at odds with another, the first counts.

    An ``anonymousId`` may stand in double quotes, as a browser's storage has it.
    """
    message: dict[str, Any] = {}
    for name, value in parameters:
        if name != _WRITE_KEY:
            _put(message, name.split(".", _DEEPEST), value)
    if isinstance(quoted := message.get(_ID), str) and len(quoted) > 1 and quoted[0] == quoted[-1] == '"':
        message[_ID] = quoted[1:-1]
    return message


def _put(message: dict[str, Any], path: list[str], value: str) -> None:
    *parents, name = path
    within: Any = message
    for parent in parents:
        within = within.setdefault(parent, {})
        if not isinstance(within, dict):
            return
    within.setdefault(name, value)
