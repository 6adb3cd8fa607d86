"""Cursors: a position in a list, as opaque text that fits a URL."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final
from uuid import UUID

import orjson

from projections.identity.queries import ConflictPosition
from projections.timeline.queries import TimelinePosition
from services.query.core.errors import BadCursor

MOST_CHARACTERS: Final = 1500  # of a timeline's cursor; an event id of 255 four-byte characters needs 1,392
MOST_OF_A_CONFLICT: Final = 8000  # of a conflict's; a contact key of 520 four-byte characters needs about half of it
_FIXED: Final = struct.Struct(">q16s")  # the time, and the contact's id


def write(position: TimelinePosition) -> str:
    """The cursor of the page that begins after this position."""
    fixed = _FIXED.pack(position.occurred_at, position.contact_id.bytes)
    return urlsafe_b64encode(fixed + position.event_id.encode()).rstrip(b"=").decode()


def read(cursor: str) -> TimelinePosition:
    """The position that a cursor stands for. Raises BadCursor for any text that ``write`` can't have made."""
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        occurred_at, contact_id = _FIXED.unpack_from(raw)
        position = TimelinePosition(occurred_at, raw[_FIXED.size :].decode(), UUID(bytes=contact_id))
    except (ValueError, struct.error) as error:
        raise BadCursor(BadCursor.__doc__) from error
    if "\0" in position.event_id or write(position) != cursor:  # the decoder skips unknown characters
        raise BadCursor(BadCursor.__doc__)
    return position


def write_conflict(position: ConflictPosition) -> str:
    """The cursor of the page of conflicts that begins after this position."""
    raw = orjson.dumps([position.at, str(position.contact_id), position.type, position.value])
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def read_conflict(cursor: str) -> ConflictPosition:
    """The position that a cursor stands for. Raises BadCursor for any text that ``write_conflict`` can't have made."""
    try:
        at, contact_id, type_name, value = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        position = ConflictPosition(at, UUID(contact_id), type_name, value)
        genuine = write_conflict(position) == cursor and "\0" not in type_name + value
        _FIXED.pack(at, position.contact_id.bytes)  # fails for a time that no table can hold
    except (ValueError, TypeError, AttributeError, struct.error) as error:
        raise BadCursor(BadCursor.__doc__) from error
    if not genuine:
        raise BadCursor(BadCursor.__doc__)
    return position
