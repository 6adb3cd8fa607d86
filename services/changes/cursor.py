"""A place in the topic of changes: the topic's id and the next offset of each partition, as opaque signed text (pure).

Offsets of a log have no gaps and never change, so nothing is lost between a cursor and the next one. The signature
covers the tenant: a cursor is of no use with another tenant's key, and its numbers can't be altered.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, NamedTuple
from uuid import UUID

from services.changes.errors import UnknownCursor

BEGINNING: Final = "beginning"
NOW: Final = "now"
MOST_CHARACTERS: Final = 16_384  # enough for the offsets of a thousand partitions
_TOPIC_BYTES: Final = 16
_SIGNATURE_BYTES: Final = 16
_SEVEN_BITS: Final = 0x7F
_MORE: Final = 0x80
_LARGEST: Final = 1 << 63


class ChangeCursor(NamedTuple):
    """The next offset of each partition of a topic, in the partitions' order."""

    topic_id: UUID
    offsets: tuple[int, ...]


def write_cursor(key: bytes, tenant: str, cursor: ChangeCursor) -> str:
    """The cursor as text that fits a URL and a header."""
    payload = cursor.topic_id.bytes + b"".join(map(_packed, cursor.offsets))
    return urlsafe_b64encode(payload + _signature(key, tenant, payload)).rstrip(b"=").decode()


def read_cursor(key: bytes, tenant: str, text: str) -> ChangeCursor:
    """The cursor that a text stands for. Raises UnknownCursor for what ``write_cursor`` has not made of this tenant."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raise UnknownCursor(UnknownCursor.__doc__) from None
    payload, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(key, tenant, payload)):
        raise UnknownCursor(UnknownCursor.__doc__)
    return ChangeCursor(UUID(bytes=payload[:_TOPIC_BYTES]), tuple(_unpacked(payload[_TOPIC_BYTES:])))


def _signature(key: bytes, tenant: str, payload: bytes) -> bytes:
    return hmac.digest(key, tenant.encode() + b"\0" + payload, "sha256")[:_SIGNATURE_BYTES]


def _packed(number: int) -> bytes:
    """The number in groups of seven bits, the least first."""
    if not 0 <= number < _LARGEST:
        raise ValueError("not an offset")
    groups = bytearray()
    while number > _SEVEN_BITS:
        groups.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    return bytes([*groups, number])


def _unpacked(raw: bytes) -> list[int]:
    numbers, number, shift = [], 0, 0
    for byte in raw:
        number |= (byte & _SEVEN_BITS) << shift
        shift += 7
        if not byte & _MORE:
            numbers.append(number)
            number, shift = 0, 0
    return numbers
