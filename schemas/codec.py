"""Bytes to event and back: the only place where log JSON is parsed.

Decoding depends on the bytes alone, so every reader of the log rejects the same records for the same reasons.
An error names the field and the rule, never the value: reasons are logged and counted.
"""

from functools import lru_cache
from math import isfinite
from typing import Any, Final, Literal

import orjson
from pydantic import ValidationError

from schemas.events.envelope import ContactRef, Event
from schemas.events.registry import CURRENT_VERSION, event_class
from schemas.refusals import refusals
from schemas.sealing import is_sealed
from schemas.upcasting import upcast

InvalidReason = Literal[
    "empty",
    "too_large",
    "sealed",
    "not_json",
    "not_an_object",
    "nul_character",
    "too_deep",
    "future_version",
    "invalid_field",
    "wrong_key",
    "too_many_values",
]
MAX_EVENT_BYTES: Final = 262_144
MAX_DEPTH: Final = 64
_CONTACT_FIELDS: Final = len(ContactRef.model_fields)
_NUL_ESCAPE: Final = b"\\u0000"
# What an upcaster may raise on an old event that was never valid.
_UPCAST_ERRORS: Final = (LookupError, TypeError, ValueError, AttributeError)


class InvalidEvent(ValueError):
    """The bytes are not an event.

    ``reason`` labels metrics; ``detail`` is a sentence for people;
    ``field`` is a JSON path such as ``data.tag``, or "" for the whole.
    """

    def __init__(self, reason: InvalidReason, detail: str, field: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: InvalidReason = reason
        self.detail, self.field = detail, field


def decode(raw: bytes | None) -> Event:
    """The event in a log record's value.

    Raises InvalidEvent with reason ``empty``, ``sealed``, ``too_large``, ``not_json``, ``not_an_object``,
    ``nul_character``, ``too_deep``, ``future_version`` or ``invalid_field``.
    """
    if not raw:
        raise InvalidEvent("empty", "the record has no value")
    if is_sealed(raw):  # what can be opened was opened before
        raise InvalidEvent("sealed", "the record's key is not known, or its seal is broken")
    if len(raw) > MAX_EVENT_BYTES:
        raise InvalidEvent("too_large", f"an event is at most {MAX_EVENT_BYTES} bytes, this has {len(raw)}")
    # Searching for a single backslash first makes this cheap: hardly any event has one.
    has_nul = b"\\" in raw and _NUL_ESCAPE in raw
    may_be_deep = raw.count(b"{") + raw.count(b"[") > MAX_DEPTH
    return from_dict(parse(raw), check_text=has_nul or may_be_deep)


def parse(raw: bytes) -> Any:
    """JSON to Python objects; a lone surrogate is refused like any other malformed text."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidEvent("not_json", f"malformed JSON at character {error.pos}") from None


def from_dict(raw: Any, *, check_text: bool = True) -> Event:
    """The event in a parsed envelope, brought up to its type's current version.

    Without ``check_text`` it does not search for what can't be stored: NUL characters, deep nesting, and values that
    JSON can't express. Use that only where none of these can occur. The envelope may be changed then.
    """
    if not isinstance(raw, dict):
        raise InvalidEvent("not_an_object", "an event is a JSON object")
    if check_text:
        _refuse_unstorable(raw)
    type_name, version = raw.get("type"), raw.get("schema_version", 1)
    if isinstance(type_name, str) and isinstance(version, int):
        current = CURRENT_VERSION.get(type_name, version)
        if version > current:
            raise InvalidEvent("future_version", f"version {version} of a type known up to {current}", "schema_version")
        if 0 < version < current:
            raw = _upcast(raw)
    if not check_text:
        _use_known_contact(raw)
    try:
        validator = event_class(type_name if isinstance(type_name, str) else "").__pydantic_validator__
        event: Event = validator.validate_python(raw)
    except ValidationError as error:
        raise _invalid_field(error, raw) from None
    return event


def _use_known_contact(raw: dict[str, Any]) -> None:
    """Put the valid contact into the envelope: few contacts have most of the events."""
    contact = raw.get("contact")
    if isinstance(contact, dict) and len(contact) == _CONTACT_FIELDS:
        try:
            raw["contact"] = _contact_ref(contact.get("channel"), contact.get("account"), contact.get("uid"))
        except (ValidationError, TypeError):
            return  # it is refused as a part of its event


@lru_cache(maxsize=20_000)
def _contact_ref(channel: Any, account: Any, uid: Any) -> ContactRef:
    fields = {"channel": channel, "account": account, "uid": uid}
    found: ContactRef = ContactRef.__pydantic_validator__.validate_python(fields)
    return found


def encode(event: Event) -> bytes:
    """The event as it goes into the log."""
    return event.__pydantic_serializer__.to_json(event, exclude_none=True)


def data_json(event: Event) -> str:
    """The event's data as the timeline stores it: fields in the order of the class, without absent ones."""
    data = event.data
    if isinstance(data, dict):
        return orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()
    return data.__pydantic_serializer__.to_json(data, exclude_none=True).decode()


def intrinsic_json(event: Event) -> str:
    """The event's intrinsic identifiers as the timeline stores them: a JSON list."""
    return orjson.dumps([one.model_dump() for one in event.intrinsic]).decode() if event.intrinsic else "[]"


def _invalid_field(error: ValidationError, raw: dict[str, Any]) -> InvalidEvent:
    first = refusals(error.errors(include_url=False, include_context=False, include_input=False), raw)[0]
    return InvalidEvent("invalid_field", first.why, first.place)


def _upcast(raw: dict[str, Any]) -> dict[str, Any]:
    try:
        return upcast(raw)
    except _UPCAST_ERRORS:
        raise InvalidEvent("invalid_field", "an event of an old version that is not as that version was") from None


def _refuse_unstorable(value: Any, path: str = "", depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise InvalidEvent("too_deep", f"more than {MAX_DEPTH} levels of nesting", path)
    if isinstance(value, str):
        _refuse_text(value, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _refuse_text(key, path)
            _refuse_unstorable(inner, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_unstorable(inner, f"{path}[{index}]", depth + 1)
    elif isinstance(value, int | float):
        _refuse_number(value, path)


def _refuse_text(value: Any, path: str) -> None:
    if not isinstance(value, str):
        raise InvalidEvent("not_json", "a key that is no text", path)
    if "\x00" in value:
        raise InvalidEvent("nul_character", "text can't hold a NUL character", path)
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidEvent("not_json", "text can't hold a lone surrogate", path)


def _refuse_number(value: float, path: str) -> None:
    if isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            raise InvalidEvent("not_json", "a whole number has at most 64 bits", path)
    elif not isfinite(value):
        raise InvalidEvent("not_json", "a number is finite", path)
