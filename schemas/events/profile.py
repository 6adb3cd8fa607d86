"""What is known about a contact: profile, tags, attributes, and the member of staff in charge."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.events.base import Frozen, Text, Word
from schemas.events.envelope import Event

AttributeKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,100}$")]
AttributeType = Literal["text", "number", "date", "datetime", "boolean"]
EventDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
MAX_ERASED_EVENTS = 1_000
AttributeText = Annotated[str, StringConstraints(max_length=1000)]
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "date": (str,),
    "datetime": (str,),
    "number": (int, float),
    "boolean": (bool,),
}


class Characteristic(Frozen):
    """What is said of a person: ``claimed`` by the public, or, also if left out, ``stated`` by a channel or the brand.

    What is claimed never replaces what is not, whatever their times.
    """

    assurance: Literal["stated", "claimed"] | None = None

    @property
    def claimed(self) -> bool:
        """Whether only the public says so."""
        return self.assurance == "claimed"


class Profile(Characteristic):
    """The profile that the channel shows. A field that is left out stays as it was."""

    display_name: Text | None = None
    avatar: Text | None = None
    locale: Text | None = None


class ProfileUpdated(Event):
    """The person's name, picture or language as the channel has it now."""

    type: Literal["profile.updated"]
    data: Profile


class Tagging(Frozen):
    """A tag, its source, and after how many whole days it expires (none: never)."""

    tag: Word
    source: Word | None = None
    expires_after: Annotated[int, Field(ge=1, le=365)] | None = None


class TagAdded(Event):
    """The contact was tagged; the same tag may come again and is counted."""

    type: Literal["tag.added"]
    data: Tagging


class TagRemoved(Event):
    """The tag and its count were removed."""

    type: Literal["tag.removed"]
    data: Tagging


class AttributeValue(Characteristic):
    """A custom attribute's value; ``type`` may be left out where the value shows it."""

    key: AttributeKey
    value: bool | int | float | AttributeText
    type: AttributeType | None = None

    @model_validator(mode="after")
    def value_fits_type(self) -> Self:
        """A number is not a flag, and a date is a string."""
        if self.type is not None and type(self.value) not in _PYTHON_TYPES[self.type]:
            raise ValueError(f"a value of type {self.type} can't be {type(self.value).__name__}")
        return self


class AttributeSet(Event):
    """A custom attribute has this value now."""

    type: Literal["attribute.set"]
    data: AttributeValue


class AttributeName(Characteristic):
    """Which custom attribute."""

    key: AttributeKey


class AttributeUnset(Event):
    """A custom attribute has no value any more."""

    type: Literal["attribute.unset"]
    data: AttributeName


class StaffBinding(Frozen):
    """The member of staff and the branch (綁定成員、分店)."""

    member: Word | None = None
    branch: Word | None = None


class OmoBound(Event):
    """The contact is looked after by this member of staff at this branch."""

    type: Literal["omo.bound"]
    data: StaffBinding


class OmoUnbound(Event):
    """Nobody in particular looks after the contact."""

    type: Literal["omo.unbound"]
    data: StaffBinding


class Erasure(Frozen):
    """The request that this answers."""

    request_id: Word


class ContactErased(Event):
    """The contact's data are to be erased."""

    type: Literal["contact.erased"]
    data: Erasure


class ErasureOfEvents(Frozen):
    """Which of the contact's events, each by the first 16 bytes of SHA-256 of its contact's id, a colon and its id.

    An event id may hold a phone number, so it is not named itself. ``request_id`` is the request that this answers.
    """

    events: Annotated[list[EventDigest], Field(min_length=1, max_length=MAX_ERASED_EVENTS)]
    request_id: Word


class EventsErased(Event):
    """Some of the contact's events are to be erased: they name somebody else, who was erased."""

    type: Literal["contact.events_erased"]
    data: ErasureOfEvents


EVENTS = (
    ProfileUpdated,
    TagAdded,
    TagRemoved,
    AttributeSet,
    AttributeUnset,
    OmoBound,
    OmoUnbound,
    ContactErased,
    EventsErased,
)
