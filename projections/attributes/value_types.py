"""Whether the value of a custom attribute fits its definition (pure)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from schemas.events.profile import AttributeType, AttributeValue

AttributeTypes = Mapping[str, AttributeType]  # by key
_NAMES: Final[dict[type, AttributeType]] = {bool: "boolean", int: "number", float: "number", str: "text"}


def type_refusal(said: AttributeValue, types: AttributeTypes) -> str | None:
    """Why the value is not of the type that its key is defined with; None if it is, or if the key is not defined."""
    defined = types.get(said.key)
    if defined is None or (said.type in (None, defined) and _fits(said.value, defined)):
        return None
    return f"{said.key} is defined as {defined}, and this is {said.type or _NAMES[type(said.value)]}"


def _fits(value: object, defined: AttributeType) -> bool:
    if isinstance(value, str):
        return defined == "text" or (defined in ("date", "datetime") and _is_time(value, defined))
    return _NAMES[type(value)] == defined


def _is_time(value: str, defined: AttributeType) -> bool:
    """Whether the text is a date, or a date with a time, of ISO 8601. An empty text clears the attribute."""
    if not value:
        return True
    try:
        if defined == "date":
            date.fromisoformat(value)
        else:
            datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
