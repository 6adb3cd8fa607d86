"""A record as a line of JSON that any tool reads, and that gives back the very bytes. Pure."""

from base64 import b64decode, b64encode
from typing import Any, NamedTuple

import orjson


class LogRecord(NamedTuple):
    """A record of one partition. ``timestamp`` is in milliseconds since 1970."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def to_line(record: LogRecord) -> bytes:
    """The record as one line of JSON: bytes that are UTF-8 as text, others as base64."""
    fields: dict[str, Any] = {
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": _to_json(record.key),
        "value": _to_json(record.value),
    }
    if record.headers:
        fields["headers"] = [[name, _to_json(value)] for name, value in record.headers]
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def from_line(line: bytes) -> LogRecord:
    """The record of the line."""
    fields = orjson.loads(line)
    headers = tuple((name, _to_bytes(value)) for name, value in fields.get("headers", ()))
    return LogRecord(
        fields["offset"], fields["timestamp"], _to_bytes(fields["key"]), _to_bytes(fields["value"]), headers
    )


def _to_json(value: bytes | None) -> Any:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(value).decode()}


def _to_bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    return b64decode(value["base64"]) if isinstance(value, dict) else str(value).encode()
