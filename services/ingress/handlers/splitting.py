"""Splits a body into the items that are validated one by one."""

from typing import Any

from services.ingress.core.events import Unreadable, items, too_many
from services.ingress.handlers.turns import Turns


async def split(raw: bytes, content_type: str, most: int, turns: Turns) -> list[Any] | Unreadable:
    """The items of a body, at most ``most``, parsed but not validated."""
    found = items(raw, content_type, most)
    if isinstance(found, Unreadable):
        return found
    values: list[Any] = []
    for item in found:
        if len(values) == most:
            return too_many(most)
        values.append(item.value)
        await turns.spend(item.size)
    return values
