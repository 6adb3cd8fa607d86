"""The records of the customer-changes topic: one customer, before and after one commit of the identity agent.

``seq`` counts the changes of a customer from 1, without gaps. A change that moves very many contacts comes in several
records of one ``seq``, with ``part`` from 1 to ``parts``; every other change is one record. The records of a customer
come in the order of (``seq``, ``part``), and consumers must ignore one that they have already processed.

To keep the membership, take the contacts of ``went_to`` out of the customer's set, add those of ``came_from``, and drop
customers without contacts. A dropped customer may come back; its ``seq`` goes on.

No record is larger than a mebibyte, whatever the customer's size: brokers accept that if nobody configures them.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, Final, Literal
from uuid import UUID

import orjson
from pydantic import Field, ValidationError

from schemas.codec import InvalidEvent
from schemas.events.base import Frozen, Millis, TenantId, Word

ChangeType = Literal["created", "linked", "unlinked", "merged", "split", "renamed", "erased"]
MAX_CAUSES: Final = 100
_MOST_BYTES: Final = 262_144  # of contacts that are listed whole, and of contacts moved by one part
_BESIDE_A_KEY: Final = 80  # bytes; a move that has one contact names a customer, too
_OF_A_CHARACTER: Final = 6  # bytes at the most: an escaped one
_QUOTES: Final = 2


class Moved(Frozen):
    """Contacts that came from another customer, or went to one: none for new contacts and for erased ones."""

    customer_id: UUID | None = None
    contacts: list[str]


class CustomerChange(Frozen):
    """A customer's contacts changed.

    ``type`` summarises the change: *created* from new contacts; *linked*: contacts were added; *unlinked*: contacts
    moved to existing customers, or were erased; *merged*: several customers became one; *split*: one customer became
    several; *renamed*: the customer has another id; *erased*: its founding contact was erased, and none is left.
    ``came_from`` and ``went_to`` are the contacts that were added and removed.
    ``before`` and ``after`` are all of the customer's contact keys, sorted; a customer of more than about a thousand
    contacts has neither, so that no change is larger than what it changes.

    ``cause`` is the id of the event that caused the change, ``at`` the time at which that event occurred. Several
    events may have been committed together: ``causes`` has the latest hundred, latest first, starting with ``cause``.
    ``policy_version`` is the version of the tenant's policy that was used.
    """

    schema_version: Literal[1] = 1
    tenant: TenantId
    customer_id: UUID
    seq: Annotated[int, Field(ge=1)] = 1
    part: Annotated[int, Field(ge=1)] = 1
    parts: Annotated[int, Field(ge=1)] = 1
    type: ChangeType
    at: Millis
    cause: Word
    causes: Annotated[list[Word], Field(min_length=1, max_length=MAX_CAUSES)]
    policy_version: Word
    before: list[str] | None = None
    after: list[str] | None = None
    came_from: list[Moved] = Field(default_factory=list)
    went_to: list[Moved] = Field(default_factory=list)


def in_parts(change: CustomerChange, most_bytes: int = _MOST_BYTES) -> list[CustomerChange]:
    """The records that a change is sent as: itself if its contacts are few, or parts that list those that move."""
    listed = (change.before or (), change.after or ())
    if sum(map(_most_weight, listed)) <= most_bytes or sum(map(_weight, listed)) <= most_bytes:
        return [change]
    pieces = list(_pieces(change, most_bytes))
    return [
        change.model_copy(
            update={
                **dict.fromkeys(("before", "after")),
                "part": number,
                "parts": len(pieces),
                "came_from": came_from,
                "went_to": went_to,
            }
        )
        for number, (came_from, went_to) in enumerate(pieces, 1)
    ]


def apply_change(change: CustomerChange, contacts: set[str]) -> None:
    """Bring a customer's contacts from before the change, or the part of one, to after it."""
    for move in change.went_to:
        contacts.difference_update(move.contacts)
    for move in change.came_from:
        contacts.update(move.contacts)


def _pieces(change: CustomerChange, most_bytes: int) -> Iterator[tuple[list[Moved], list[Moved]]]:
    """The change's moves, as (came_from, went_to), in pieces of at most ``most_bytes``."""
    moves: tuple[list[Moved], list[Moved]] = ([], [])
    size = 0
    for into, moved in [*((0, one) for one in change.came_from), *((1, one) for one in change.went_to)]:
        for contact in moved.contacts:
            size += _weight((contact,))
            if size > most_bytes and any(moves):
                yield moves
                moves, size = ([], []), _weight((contact,))
            _add(moves[into], moved.customer_id, contact)
    if any(moves):
        yield moves


def _add(moves: list[Moved], customer_id: UUID | None, contact: str) -> None:
    """Add a contact to the moves. Those of one customer come one after the other."""
    if not moves or moves[-1].customer_id != customer_id:
        moves.append(Moved.model_construct(customer_id=customer_id, contacts=[]))
    moves[-1].contacts.append(contact)


def _most_weight(contacts: Collection[str]) -> int:
    """What they weigh at the most; counted in less time."""
    return sum(map(len, contacts)) * _OF_A_CHARACTER + len(contacts) * (_BESIDE_A_KEY + _QUOTES)


def _weight(contacts: Iterable[str]) -> int:
    """How many bytes the contacts take at most, in a list or as moves."""
    return sum(len(orjson.dumps(contact)) + _BESIDE_A_KEY for contact in contacts)


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
