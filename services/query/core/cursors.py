"""Cursors: a position in a list, as opaque text that fits a URL."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from projections.candidates.queries import CandidatePosition
from projections.customers.folds import CustomerPlace
from projections.customers.search.queries import Position
from projections.identity.conflict_queries import (
    AnyConflictPosition,
    ConflictOrder,
    ConflictPosition,
    SetAsidePosition,
    StrongestPosition,
)
from projections.identity.customer_links import CustomerPosition
from projections.identity.decision_queries import DecisionPosition
from projections.quota.queries import QuotaPosition
from projections.timeline.queries import TimelinePosition
from services.query.core.errors import BadCursor, CursorOfAnotherSearch

MOST_CHARACTERS: Final = 1500  # of a timeline's cursor; an event id of 255 four-byte characters needs 1,392
MOST_OF_A_CANDIDATE: Final = 48
MOST_OF_AN_ENTRY: Final = 32
MOST_OF_A_SEARCH: Final = 16_000  # a name of a customer may be long
MOST_OF_A_VERSION: Final = 2100  # an event id of 255 control characters needs 2,060
MOST_OF_A_LINK: Final = 16_000  # of a conflict's or a link's; three texts of 512 control characters need 12,400
_FIXED: Final = struct.Struct(">q16s")  # the time, and the contact's id
_TIER: Final = struct.Struct(">b")
_TO_NEWER: Final = "~"  # no character of base64, and none that a URL escapes
_ENTRY: Final = struct.Struct(">q16s")  # microseconds since 1970, and the request's id
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PAIR: Final = struct.Struct(">i16s16s")  # the doubt, and the two customers' ids


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


def write_newer(position: TimelinePosition) -> str:
    """The cursor of the page of events that are newer than this position."""
    return _TO_NEWER + write(position)


def read_either(cursor: str) -> tuple[TimelinePosition, bool]:
    """The position that a timeline's cursor stands for, and whether the newer events are asked for.

    Raises BadCursor for any text that neither ``write`` nor ``write_newer`` can have made.
    """
    return read(cursor.removeprefix(_TO_NEWER)), cursor.startswith(_TO_NEWER)


def write_conflict(position: AnyConflictPosition) -> str:
    """The cursor of the page of conflicts that begins after this position."""
    return _write_list([str(one) if isinstance(one, UUID) else one for one in position])


def read_conflict(cursor: str, order: ConflictOrder = "newest") -> AnyConflictPosition:
    """The position that a cursor stands for.

    Raises BadCursor for any text that ``write_conflict`` can't have made, and for a position in another order.
    """
    kind = ConflictPosition if order == "newest" else StrongestPosition
    try:
        position = _conflict_position(_read_list(cursor), kind)
        _FIXED.pack(position.at, position.contact_id.bytes)
    except (ValueError, TypeError, AttributeError, struct.error) as error:
        raise BadCursor(BadCursor.__doc__) from error
    if write_conflict(position) != cursor:
        raise BadCursor(BadCursor.__doc__)
    return position


def _conflict_position(parts: list[Any], kind: type[ConflictPosition] | type[StrongestPosition]) -> AnyConflictPosition:
    if len(parts) == len(SetAsidePosition._fields):
        at, contact_id, event_id, digest = parts
        _FIXED.pack(digest, b"")  # fails for a number that no table can hold
        return SetAsidePosition(at, UUID(contact_id), _text(event_id), digest)
    if kind is ConflictPosition:
        at, contact_id, *rest = parts
        return ConflictPosition(at, UUID(contact_id), *map(_text, rest))
    tier, at, contact_id, *rest = parts
    _TIER.pack(tier)
    return StrongestPosition(tier, at, UUID(contact_id), *map(_text, rest))


def write_customer(position: CustomerPosition) -> str:
    """The cursor of the page of a customer's links that begins after this position."""
    return _write_list([str(position.contact_id), position.session, position.part, *position.row])


def read_customer(cursor: str) -> CustomerPosition:
    """The position that a cursor stands for. Raises BadCursor for any text that ``write_customer`` can't have made."""
    try:
        contact_id, session, part, *row = _read_list(cursor)
        position = CustomerPosition(UUID(contact_id), _text(session), part, tuple(map(_text, row)))
        genuine = position.is_one and write_customer(position) == cursor
    except (ValueError, TypeError, AttributeError) as error:
        raise BadCursor(BadCursor.__doc__) from error
    if not genuine:
        raise BadCursor(BadCursor.__doc__)
    return position


def write_decision(position: DecisionPosition) -> str:
    """The cursor of the page of decisions that begins after this position."""
    return _write_list([position.at, position.event_id, str(position.by_id)])


def read_decision(cursor: str) -> DecisionPosition:
    """The position that a cursor stands for. Raises BadCursor for any text that ``write_decision`` can't have made."""
    try:
        at, event_id, by_id = _read_list(cursor)
        position = DecisionPosition(at, _text(event_id), UUID(by_id))
        _FIXED.pack(at, b"")
        genuine = write_decision(position) == cursor
    except (ValueError, TypeError, AttributeError, struct.error) as error:
        raise BadCursor(BadCursor.__doc__) from error
    if not genuine:
        raise BadCursor(BadCursor.__doc__)
    return position


def write_candidate(position: CandidatePosition) -> str:
    """The cursor of the page of candidates that begins after this position."""
    raw = _PAIR.pack(position.doubt, position.one_id.bytes, position.other_id.bytes)
    return urlsafe_b64encode(raw).decode()


def read_candidate(cursor: str) -> CandidatePosition:
    """The position that a cursor stands for. Raises BadCursor for any text that ``write_candidate`` can't have made."""
    try:
        doubt, one, other = _PAIR.unpack(urlsafe_b64decode(cursor.encode("ascii")))
    except (ValueError, struct.error) as error:
        raise BadCursor(BadCursor.__doc__) from error
    position = CandidatePosition(doubt, UUID(bytes=one), UUID(bytes=other))
    if write_candidate(position) != cursor:  # the decoder skips unknown characters
        raise BadCursor(BadCursor.__doc__)
    return position


class SearchPlace(NamedTuple):
    """Where a page of a search begins: ``query`` tells one search from another, ``now`` is the moment it asks at."""

    query: str
    now: int
    after: Position


def write_search(place: SearchPlace) -> str:
    """The cursor of the page of a search that begins after this place."""
    return _write_list([place.query, place.now, place.after.value, str(place.after.customer_id)])


def read_search(cursor: str, query: str) -> SearchPlace:
    """The place that a cursor stands for. Raises BadCursor for what ``write_search`` can't have made.

    Raises CursorOfAnotherSearch for the cursor of another filter or order than ``query`` stands for.
    """
    try:
        of_query, now, value, customer_id = _read_list(cursor)
        place = SearchPlace(_text(of_query), now, Position(value, UUID(customer_id)))
        _FIXED.pack(now, b"")
        if isinstance(value, str):
            _text(value)
        elif value is not None:
            _FIXED.pack(value, b"")
    except (ValueError, TypeError, AttributeError, struct.error) as error:
        raise BadCursor(BadCursor.__doc__) from error
    if write_search(place) != cursor:
        raise BadCursor(BadCursor.__doc__)
    if of_query != query:
        raise CursorOfAnotherSearch(CursorOfAnotherSearch.__doc__)
    return place


def write_quota(position: QuotaPosition) -> str:
    """The cursor of the page of contacts that begins after this place."""
    return _write_list(list(position))


def read_quota(cursor: str) -> QuotaPosition:
    """The place that a cursor stands for. Raises BadCursor for any text that ``write_quota`` can't have made."""
    try:
        at, *key = _read_list(cursor)
        _FIXED.pack(at, b"")
        position = QuotaPosition(at, *map(_text, key))
    except (ValueError, TypeError, AttributeError, struct.error) as error:
        raise BadCursor(BadCursor.__doc__) from error
    if write_quota(position) != cursor:
        raise BadCursor(BadCursor.__doc__)
    return position


def write_version(at: int, event_id: str) -> str:
    """The cursor of the page of a segment's history that begins after this event."""
    return _write_list([at, event_id])


def read_version(cursor: str) -> tuple[int, str]:
    """The time and the id of the event. Raises BadCursor for any text that ``write_version`` can't have made."""
    try:
        at, event_id = _read_list(cursor)
        _FIXED.pack(at, b"")
        genuine = write_version(at, _text(event_id)) == cursor
    except (ValueError, TypeError, AttributeError, struct.error) as error:
        raise BadCursor(BadCursor.__doc__) from error
    if not genuine:
        raise BadCursor(BadCursor.__doc__)
    return at, event_id


def write_audit(at: datetime, request_id: UUID) -> str:
    """The cursor of the page of the audit trail that begins after this entry."""
    return urlsafe_b64encode(_ENTRY.pack((at - _EPOCH) // _MICROSECOND, request_id.bytes)).decode()


def read_audit(cursor: str) -> tuple[datetime, UUID]:
    """The time and the id of the entry. Raises BadCursor for any text that ``write_audit`` can't have made."""
    try:
        at, request_id = _ENTRY.unpack(urlsafe_b64decode(cursor.encode("ascii")))
        entry = (_EPOCH + at * _MICROSECOND, UUID(bytes=request_id))
    except (ValueError, OverflowError, struct.error) as error:
        raise BadCursor(BadCursor.__doc__) from error
    if write_audit(*entry) != cursor:  # the decoder skips unknown characters
        raise BadCursor(BadCursor.__doc__)
    return entry


class QuotaCustomerPlace(NamedTuple):
    """Where a page of contacts of customers begins: after this contact of a customer."""

    after: CustomerPlace
    contact: str


def write_quota_customer(place: QuotaCustomerPlace) -> str:
    """The cursor of the page of contacts of customers that begins after this place."""
    return _write_list([place.after.valid_since, str(place.after.customer_id), place.contact])


def read_quota_customer(cursor: str) -> QuotaCustomerPlace:
    """The place that a cursor stands for. Raises BadCursor for what ``write_quota_customer`` can't have made."""
    try:
        since, customer_id, contact = _read_list(cursor)
        place = QuotaCustomerPlace(CustomerPlace(since, UUID(customer_id)), _text(contact))
        _FIXED.pack(since, b"")
    except (ValueError, TypeError, AttributeError, struct.error) as error:
        raise BadCursor(BadCursor.__doc__) from error
    if write_quota_customer(place) != cursor:
        raise BadCursor(BadCursor.__doc__)
    return place


def _write_list(values: list[Any]) -> str:
    return urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


def _read_list(cursor: str) -> list[Any]:
    values = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    if not isinstance(values, list):
        raise TypeError("not a list")
    return values


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError("not a text that a table can hold")
    return value
