"""The shapes of "may I send?", and the lists that are asked about."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Annotated, Any, Final

import orjson
from pydantic import Field

from projections.quota.sending import SendPurpose, SendRefusal
from schemas.events import ContactRef
from services.query.core import references
from services.query.core.errors import NotFound, UnreadableList
from services.query.core.models import Shape

MOST_LINES: Final = 100_000
_LONGEST: Final = 4_096  # bytes of a line


class SendAnswer(Shape):
    """Whether a message of the purpose may be sent to the contact, and every reason against it."""

    contact: Annotated[str, Field(description="as it was asked about", examples=["line:oa-taipei:Uc0ffee"])]
    purpose: SendPurpose
    allowed: bool
    reasons: list[SendRefusal]


class ContactLines:
    """Cuts a body into lines while it arrives, each a contact's key as a JSON string, or an object with `contact`."""

    def __init__(self) -> None:
        self._kept = b""
        self._number = 0

    def feed(self, piece: bytes) -> Iterator[str]:
        """The contacts of the lines that end with this piece. Raises UnreadableList."""
        *lines, self._kept = (self._kept + piece).split(b"\n")
        for line in lines:
            yield from self._read(line)
        if len(self._kept) > _LONGEST:
            yield from self._read(self._kept)

    def finish(self) -> Iterator[str]:
        """The contact of a last line without an end."""
        yield from self._read(self._kept)

    def _read(self, line: bytes) -> Iterator[str]:
        self._number += 1
        if self._number == 1:
            line = line.removeprefix(BOM_UTF8)
        if len(line) > _LONGEST:
            raise UnreadableList(f"Line {self._number} is longer than {_LONGEST} bytes.")
        if not line.strip():
            return
        if self._number > MOST_LINES:
            raise UnreadableList(f"A list has at most {MOST_LINES:,} lines: ask about the others in another request.")
        yield _contact(line, self._number)


def _contact(line: bytes, number: int) -> str:
    try:
        said: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise UnreadableList(f"Line {number} is no JSON.") from None
    name = said.get("contact") if isinstance(said, dict) else said
    if not isinstance(name, str):
        raise UnreadableList(f"Line {number} names no contact: give its key, channel:account:uid, as a string.")
    return name


def ref_of(name: str) -> ContactRef | None:
    """The contact of a key; None for text that can't be one, which no contact has."""
    parts = name.removeprefix("contact:").split(":", 2)
    try:
        return references.contact(*parts) if len(parts) == 3 else None  # noqa: PLR2004 - channel, account and uid
    except NotFound:
        return None
