"""What goes out on the topic of customer changes: one customer, before and after one commit of the resolver.

``seq`` counts the changes of a customer from 1, without gaps; together with the customer's id it is the change's
identity, so a receiver drops what it has had. To hold the membership, keep each customer's latest ``after`` and forget
customers that hold nobody. A customer that is no more may come back, and its ``seq`` goes on.
"""

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, ValidationError

from schemas.codec import InvalidEvent
from schemas.events.base import Frozen, Millis, TenantId, Word

ChangeType = Literal["created", "linked", "unlinked", "merged", "split", "renamed"]
MAX_CAUSES: Final = 100


class Moved(Frozen):
    """Contacts that came from another customer, or went to one; new contacts come from nobody."""

    customer_id: UUID | None = None
    contacts: list[str]


class CustomerChange(Frozen):
    """A customer's contacts changed.

    ``type`` is a word for people: *created* of new contacts; *linked*, contacts came; *unlinked*, contacts went to
    customers that there were; *merged*, customers became one; *split*, one came apart; *renamed*, it goes on under
    another id. ``before`` and ``after`` are its contacts' keys, sorted.

    ``cause`` is the event that brought it about, ``at`` when that occurred. Several events may have been committed
    together: ``causes`` has the latest hundred of them, the latest first, and the first of it is the cause.
    ``policy_version`` is the tenant's policy by which it was resolved.
    """

    schema_version: Literal[1] = 1
    tenant: TenantId
    customer_id: UUID
    seq: Annotated[int, Field(ge=1)] = 1
    type: ChangeType
    at: Millis
    cause: Word
    causes: Annotated[list[Word], Field(min_length=1, max_length=MAX_CAUSES)]
    policy_version: Word
    before: list[str]
    after: list[str]
    came_from: list[Moved] = Field(default_factory=list)
    went_to: list[Moved] = Field(default_factory=list)


def change_key(tenant: str, customer_id: UUID) -> bytes:
    """The key of a change: one customer's changes share a partition."""
    return f"{tenant}|{customer_id}".encode()


def encode_change(change: CustomerChange) -> bytes:
    """The change as it goes out."""
    return change.__pydantic_serializer__.to_json(change, exclude_none=True)


def change_in(raw: bytes | None) -> CustomerChange | None:
    """The change in a record's value; None for a record that is none, which is somebody else's."""
    try:
        return decode_change(raw or b"")
    except InvalidEvent:
        return None


def decode_change(raw: bytes) -> CustomerChange:
    """The change in a record's value. Raises InvalidEvent."""
    try:
        return CustomerChange.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise InvalidEvent("invalid_field", first["msg"], ".".join(str(part) for part in first["loc"])) from None
