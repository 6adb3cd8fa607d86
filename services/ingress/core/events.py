"""Validates the events that ``POST /v1/events`` receives, one by one.

Nothing here raises, whatever the bytes. If a body can be split into events at all, each event is accepted or rejected
by itself, with the reason, and does not affect the others.

A repeated event gets the same id again: the producer's own, or a hash of what the producer sent. The hash does not
depend on the time of receipt, so it does not depend on clamping either.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import orjson
from pydantic import ValidationError

from projections.attributes.value_types import AttributeTypes, type_refusal
from projections.customers.search.filters import parse as parse_filter
from projections.identity.resolution.contact_uids import with_one_uid
from projections.identity.resolution.policy import InvalidPolicy, Policy
from schemas.codec import MAX_EVENT_BYTES, InvalidEvent, encode, from_dict
from schemas.events import Event
from schemas.events.base import EARLIEST_MS, LATEST_MS
from schemas.events.identity import MemberMerged
from schemas.events.profile import AttributeSet
from schemas.events.tenant import TenantPolicySet, TenantSegmentSaved
from schemas.refusals import RefusedPlace, refusals
from services.ingress.core.json_values import (
    MOST_OF_RECORD,
    MOST_VALUES,
    has_too_many_values,
    is_too_large_a_record,
)
from services.ingress.core.normalize import clean_text, content_hash_id
from services.ingress.core.times import clamp, millis_of

DEFAULT_SOURCE: Final = "api"
_NDJSON: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_SET_BY_INGRESS: Final = frozenset({"tenant", "received_at", "event_id"})
TOO_MUCH: Final = frozenset({"too_many", "too_many_values"})  # the reasons of a body that is right but for its size
_OTHER_CONTACTS: Final = ("linked_contact", "other", "by")  # fields of data that may name a contact
_LONGEST_FIELD: Final = 200
_LONGEST_DETAIL: Final = 500
_LONGEST_NUMBER: Final = 400  # characters
# A line that is not blank: a body may hold millions of blank ones. At its end there are none, or each would be tried.
_LINE: Final = re.compile(rb"[ \t\r\v\f\n]*+([^\n]++)")
_BRACE: Final = ord("{")


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event fit for the log, and its bytes there."""

    index: int
    event: Event
    raw: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why there is no event: a word of a closed set, a sentence for people, and the field it is about ("": all)."""

    index: int
    reason: str
    detail: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The body as a whole could not be split into events."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line or a record of a batch that is not looked into: it is no JSON, or holds too much."""

    detail: str
    reason: str = "not_json"


_TOO_LARGE: Final = Malformed(f"a record has at most {MOST_OF_RECORD} values", "too_many_values")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What ingress knows about a request besides its body."""

    tenant: str
    received_at: int
    may_set_tenant: bool  # whether the key may change the brand's own settings: the tenant.… events
    attribute_types: AttributeTypes = field(default_factory=dict)  # that values are checked by; none: they are not


EventResult = Accepted | Rejected


@dataclass(frozen=True, slots=True)
class SplitItem:
    """An item of a body, parsed but not validated, and the number of bytes that were read for it."""

    value: Any
    size: int


def accept(raw: bytes, content_type: str, context: RequestContext, most: int) -> list[EventResult] | Unreadable:
    """``limited`` the ``items`` of a whole body and ``validate_event`` each of them."""
    found = items(raw, content_type, most)
    if isinstance(found, Unreadable):
        return found
    values = [item.value for item in islice(found, most + 1)]
    if len(values) > most:
        return too_many(most)
    return [validate_event(value, index, context) for index, value in enumerate(values)]


def items(raw: bytes, content_type: str, most: int) -> Iterator[SplitItem] | Unreadable:
    """The items of a body as they are parsed: one object, an array of objects, or one object a line.

    There may be more than ``most``, which is how many the caller takes.
    """
    raw = raw.rstrip()
    if not raw:
        return Unreadable("empty", "the body is empty")
    if content_type.partition(";")[0].strip().lower() in _NDJSON:
        return _lines(raw)
    try:
        parsed = parse(raw, MOST_VALUES)
    except InvalidEvent as error:
        if not _looks_like_lines(raw, most):
            return Unreadable(error.reason, error.detail)
        return _lines(raw)
    records = parsed if isinstance(parsed, list) else [parsed]
    if not has_too_many_values(raw, MOST_OF_RECORD):
        return (SplitItem(record, 0) for record in records)
    return (SplitItem(_TOO_LARGE if is_too_large_a_record(record) else record, 0) for record in records)


def too_many(most: int) -> Unreadable:
    """Why a body of more items is not taken."""
    return Unreadable("too_many", f"at most {most} events are taken at once")


def validate_event(item: Any, index: int, context: RequestContext) -> EventResult:
    """Accept one parsed event, or say why not."""
    if isinstance(item, Malformed):
        return Rejected(index, item.reason, item.detail)
    if not isinstance(item, dict):
        return Rejected(index, "not_an_object", "an event is a JSON object")
    refusal = _wrong_tenant(item, index, context) or _not_allowed(item, index, context) or _wrong_time(item, index)
    if refusal is not None:
        return refusal
    try:
        event = from_dict(_under_one_uid(_envelope(item, context)))
    except InvalidEvent as error:
        return Rejected(index, error.reason, error.detail, clean_text(error.field)[:_LONGEST_FIELD])
    encoded = encode(event)
    return _unfit(event, len(encoded), index) or _wrong_type(event, index, context) or Accepted(index, event, encoded)


def _under_one_uid(event: dict[str, Any]) -> dict[str, Any]:
    """The parsed event with every contact in it under its one uid, whichever spelling of it was sent."""
    data = event.get("data")
    others = [name for name in _OTHER_CONTACTS if isinstance(data.get(name), dict)] if isinstance(data, dict) else []
    if isinstance(contact := event.get("contact"), dict):
        event = event | {"contact": with_one_uid(contact)}
    if others and isinstance(data, dict):
        event = event | {"data": data | {name: with_one_uid(data[name]) for name in others}}
    return event


def shown(field: str) -> str:
    """The name of an unknown field, printable and at most 64 characters long."""
    return "".join(one for one in field if one.isprintable())[:64]


def parse(raw: bytes, most: int = MOST_OF_RECORD) -> Any:
    """JSON to Python objects, of at most so many values. Raises InvalidEvent.

    What strict JSON refuses inside a text (a lone surrogate, broken UTF-8) comes through as a lone surrogate, and a
    number out of all bounds as text, so that only the event that holds it is rejected.
    """
    if has_too_many_values(raw, most):
        raise InvalidEvent("too_many_values", f"at most {most} values are taken at once")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as strict:
        try:
            return json.loads(raw.decode("utf-8", "surrogateescape"), parse_int=_integer)
        except (ValueError, RecursionError):
            raise InvalidEvent("not_json", f"malformed JSON near character {strict.pos}") from None


def _integer(digits: str) -> int | float:
    """A number as strict JSON gives it: a float where it is beyond 64 bits.

    One that no float holds is infinite: reading it exactly costs the square of its length.
    """
    if len(digits) > _LONGEST_NUMBER:
        return float("inf")
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(digits)


def _looks_like_lines(raw: bytes, most: int) -> bool:
    """Whether a body that is no JSON is several objects, one a line: then each line begins as one.

    Of more lines than ``most`` only the first are looked at.
    """
    begins = [raw[line.start(1)] for line in islice(_LINE.finditer(raw), most + 1)]
    return len(begins) > 1 and set(begins) == {_BRACE}


def _lines(raw: bytes) -> Iterator[SplitItem]:
    for found in _LINE.finditer(raw):
        line = found[1]
        try:
            yield SplitItem(parse(line), len(line))
        except InvalidEvent as error:
            yield SplitItem(Malformed(error.detail, error.reason), len(line))


def _envelope(item: dict[str, Any], context: RequestContext) -> dict[str, Any]:
    stated = {"source": DEFAULT_SOURCE} | {key: value for key, value in item.items() if key not in _SET_BY_INGRESS}
    # An id that was left out, or given as null, is made of the item's content; any other is the producer's.
    given = item.get("event_id")
    event_id = content_hash_id(stated) if given is None else given
    occurred_at = clamp(stated["occurred_at"], context.received_at)
    return stated | {
        "event_id": event_id,
        "tenant": context.tenant,
        "occurred_at": occurred_at,
        "received_at": context.received_at,
    }


def _wrong_tenant(item: dict[str, Any], index: int, context: RequestContext) -> Rejected | None:
    if item.get("tenant", context.tenant) == context.tenant:
        return None
    return Rejected(index, "wrong_tenant", "the event names another tenant than the API key's", "tenant")


def _not_allowed(item: dict[str, Any], index: int, context: RequestContext) -> Rejected | None:
    type_name = item.get("type")
    if context.may_set_tenant or not (isinstance(type_name, str) and type_name.startswith("tenant.")):
        return None
    return Rejected(index, "not_allowed", "events that set the tenant need a key with the scope admin", "type")


def _unfit(event: Event, size: int, index: int) -> Rejected | None:
    """Why an event is refused although its description is kept: its size, or because it would change nothing."""
    if size > MAX_EVENT_BYTES:
        return Rejected(index, "too_large", f"an event is at most {MAX_EVENT_BYTES} bytes, this one has {size}")
    if event.account is not None and event.contact is not None:
        return Rejected(index, "invalid_field", "an event with a contact is about the contact's account", "account")
    if isinstance(event, MemberMerged) and event.contact is not None:
        return Rejected(index, "invalid_field", "a member id is the tenant's: the event has no contact", "contact")
    if isinstance(event, TenantPolicySet):
        refusal = policy_refusal(event.data.policy)
        return None if refusal is None else Rejected(index, "no_policy", refusal, "data.policy")
    if isinstance(event, TenantSegmentSaved) and not event.data.deleted:
        refused = filter_refusal(event.data.filter)
        return None if refused is None else Rejected(index, "no_filter", refused.why, f"data.{refused.place}")
    return None


def _wrong_type(event: Event, index: int, context: RequestContext) -> Rejected | None:
    refusal = type_refusal(event.data, context.attribute_types) if isinstance(event, AttributeSet) else None
    return None if refusal is None else Rejected(index, "wrong_type", refusal, "data.value")


def policy_refusal(wishes: Any) -> str | None:
    """Why this is no policy, or None if it is one. Every request that sets a policy is validated by this."""
    try:
        Policy.from_json(wishes)
    except InvalidPolicy as error:
        return clean_text(str(error))[:_LONGEST_DETAIL]
    return None


def filter_refusal(tree: Any) -> RefusedPlace | None:
    """Why this is no filter of customers, and where in it; None if it is one."""
    try:
        parse_filter(tree)
    except ValidationError as error:
        first = refusals(error.errors(include_url=False, include_input=False), tree)[0]
        place = f"filter.{first.place}" if first.place else "filter"
        return RefusedPlace(place, clean_text(first.why)[:_LONGEST_DETAIL])
    return None


def _wrong_time(item: dict[str, Any], index: int) -> Rejected | None:
    hint = time_hint(item.get("occurred_at"))
    return None if hint is None else Rejected(index, "invalid_time", hint, "occurred_at")


def time_hint(occurred_at: Any) -> str | None:
    """What is wrong with a time, or None for one that is in range; one in the future will be clamped, not refused."""
    rule = "occurred_at is the time in whole milliseconds since 1970-01-01 UTC"
    if occurred_at is None:
        return f"{rule}; it is missing"
    if isinstance(occurred_at, bool) or not isinstance(occurred_at, int):
        return f"{rule}, as a JSON number without fraction{_reading(occurred_at)}"
    if occurred_at < 0:
        return f"{rule}; it can't be negative"
    if occurred_at < EARLIEST_MS:
        return f"{rule}; this looks like seconds{_reading(occurred_at)}"
    if occurred_at > LATEST_MS:
        return f"{rule}; this is later than the year 9999: it looks like micro- or nanoseconds{_reading(occurred_at)}"
    return None


def _reading(value: Any) -> str:
    """What to send instead, if the value has one reading."""
    millis = millis_of(value)
    return "" if millis is None else f": send {millis}"
