"""The values of identifiers that events state, and a warning of each that is no evidence under the tenant's policy."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple

import orjson

from projections.identity.resolution.policy import Policy
from projections.identity.resolution.set_aside import detail_of
from projections.identity.resolution.values import Normalised, normalise
from schemas.events import Event
from schemas.events.identity import Binding, MemberMerging
from services.ingress.core.normalize import clean, clean_text

_LONGEST_SHOWN: Final = 80


class StatedValue(NamedTuple):
    """A value as it was stated; ``contact`` is None for what is stated of the tenant's member ids."""

    contact: str | None
    type: str
    value: str
    intrinsic: bool = False


WarningReason = Literal["no_value", "blocked", "too_many_claims", "unread", "unsigned", "no_browser", "not_merged"]


class ValueWarning(NamedTuple):
    """A value that was taken but does not count as its sender meant; ``detail`` is a sentence for people.

    ``type`` is the identifier's type, or the name of the field that the value stood in.
    """

    contact: str | None
    type: str
    value: str
    reason: WarningReason
    detail: str


def values_in(events: Iterable[Event]) -> tuple[StatedValue, ...]:
    """The values that the events state, each once, in their order."""
    return tuple(dict.fromkeys(value for event in events for value in _values(event)))


def warning_of(stated: StatedValue, policy: Policy) -> ValueWarning | None:
    """What is wrong with a value under the policy; None where it is evidence."""
    reason = normalise(stated.type, stated.value, policy, intrinsic=stated.intrinsic)
    if isinstance(reason, Normalised):
        return None
    return ValueWarning(*stated[:3], reason, detail_of(stated.type, stated.value, reason, policy))


def unread(contact: str | None, field: str, value: Any) -> ValueWarning:
    """The warning of a field whose value has no reading, or several."""
    text = value if isinstance(value, str) else orjson.dumps(clean(value)).decode()
    shown = clean_text(text[:_LONGEST_SHOWN]).strip()
    return ValueWarning(contact, field, shown, "unread", f"the {field} {shown} can't be read as what it is to be")


def _values(event: Event) -> Iterator[StatedValue]:
    data = event.data
    if not event.intrinsic and not isinstance(data, Binding | MemberMerging):
        return
    contact = event.contact.key if event.contact else None
    for one in event.intrinsic:
        yield StatedValue(contact, one.type, one.value, intrinsic=True)
    if isinstance(data, Binding):
        for one in data.identifiers:
            yield StatedValue(contact, one.type, one.value)
    elif isinstance(data, MemberMerging):
        for member_id in (data.member_id, data.into):
            if member_id is not None:
                yield StatedValue(None, "member_id", member_id)
