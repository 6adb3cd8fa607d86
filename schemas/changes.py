"""The records of the customer-changes topic: one customer, before and after one commit of the identity agent.

``seq`` counts the changes of a customer from 1, without gaps. ``(tenant, customer_id, seq)`` identifies a change, and
consumers must ignore a change whose ``seq`` they have already processed. To keep the membership, keep the latest
``after`` of each customer and drop customers without contacts. A dropped customer may come back; its ``seq`` goes on.
"""

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, ValidationError

from schemas.codec import InvalidEvent
from schemas.events.base import Frozen, Millis, TenantId, Word

ChangeType = Literal["created", "linked", "unlinked", "merged", "split", "renamed"]
MAX_CAUSES: Final = 100


class Moved(Frozen):
    """Contacts that came from another customer, or went to one. New contacts have no customer that they came from."""

    customer_id: UUID | None = None
    contacts: list[str]


class CustomerChange(Frozen):
    """A customer's contacts changed.

    ``type`` summarises the change: *created* from new contacts; *linked*: contacts were added; *unlinked*: contacts
    moved to existing customers; *merged*: several customers became one; *split*: one customer became several;
    *renamed*: the customer has another id. ``before`` and ``after`` are the contact keys, sorted.

    ``cause`` is the id of the event that caused the change, ``at`` the time at which that event occurred. Several
    events may have been committed together: ``causes`` has the latest hundred, latest first, starting with ``cause``.
    ``policy_version`` is the version of the tenant's policy that was used.
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
    """The record key of a change: the changes of one customer share a partition."""
    return f"{tenant}|{customer_id}".encode()


def encode_change(change: CustomerChange) -> bytes:
    """The change as a record's value."""
    return change.__pydantic_serializer__.to_json(change, exclude_none=True)


def change_in(raw: bytes | None) -> CustomerChange | None:
    """The change in a record's value, or None if the value is not a change."""
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
