"""The field types of all events: strict, frozen, and storable in PostgreSQL.

A time is whole milliseconds, UTC, within a range that excludes times in seconds. The codec rejects strings with a NUL
character, which PostgreSQL can't store.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

EARLIEST_MS = 100_000_000_000  # 1973-03-03; a time in seconds stays below this until the year 5138
LATEST_MS = 253_402_300_799_999  # the last millisecond of the year 9999

Millis = Annotated[int, Field(ge=EARLIEST_MS, le=LATEST_MS)]
Text = str
# A word names something (an id, a tag, a source): not empty, and short enough for an index.
Word = Annotated[str, StringConstraints(min_length=1, max_length=255)]
TenantId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Account = Annotated[str, StringConstraints(pattern=r"^[^:|]{1,255}$")]
ChannelName = Literal["line", "facebook", "instagram", "whatsapp", "web", "crm"]
SourceChannel = Literal[
    ChannelName, "meta"
]  # one Meta app sends Messenger, Instagram and WhatsApp events to one source
Assurance = Literal["verified", "stated", "claimed"]
IdentifierType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
IdentifierValue = Annotated[str, StringConstraints(max_length=512)]
Properties = dict[str, JsonValue]
Stamp = tuple[int, str]  # (occurred_at, event_id), the order of last-writer-wins


class Frozen(BaseModel):
    """An immutable value: strict types, finite numbers, no unknown fields."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Identifier(Frozen):
    """A value that may tie contacts together, e.g. ``{"type": "phone", "value": "+886911111111"}``."""

    type: IdentifierType
    value: IdentifierValue


class AssertedIdentifier(Identifier):
    """An identifier with the source's assurance that it belongs to the contact.

    ``verified`` is proven, ``stated`` the brand's own word, ``claimed`` the public's; none means ``stated``.
    """

    assurance: Assurance | None = None
