"""What is left of events of contacts that name another one, which is erased (pure)."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final
from uuid import UUID

import orjson

from projections.engine.projection import EVENTS_ERASED, ContactEvent
from projections.erasures.folds import digest_of
from schemas.codec import decode, encode, from_dict
from schemas.events import Event
from schemas.events.profile import MAX_ERASED_EVENTS
from schemas.sealing import JsonPath, path_order
from schemas.subjects import references_in

_BINDINGS: Final = ("identity.bound", "identity.unbound")


def names(event: Event, subjects: Collection[str]) -> bool:
    """Whether the event has a part that is about one of these subjects of `schemas.subjects`."""
    return any(one.subject in subjects for one in references_in(event, None))


def without(event: Event, subjects: Collection[str]) -> Event | None:
    """The event without its parts about these subjects; None if that says nothing, or something else."""
    parts = [one for one in references_in(event, None) if one.subject in subjects]
    if any(one.required for one in parts):
        return None
    left = orjson.loads(encode(event))
    for path in sorted((path for one in parts for path in one.paths), key=path_order, reverse=True):
        _remove(left, path)
    says_nothing = event.type in _BINDINGS and not left["data"].get("identifiers") and not left.get("intrinsic")
    return None if says_nothing else decode(orjson.dumps(left))


def _remove(whole: Any, path: JsonPath) -> None:
    for step in path[:-1]:
        whole = whole[step]
    del whole[path[-1]]


def leaving_out(request_id: str, at: int, naming: Iterable[ContactEvent], subjects: Collection[str]) -> list[Event]:
    """The events that take the place of these ones, which name the subjects, at the time of an erasure in ms.

    The originals are erased, and what is left of each is said again at its own time. Their ids follow from the
    request and the originals, so another attempt gives the same ones.
    """
    by_contact: dict[tuple[str, UUID], list[ContactEvent]] = {}
    for one in naming:
        by_contact.setdefault((one.event.tenant, one.contact_id), []).append(one)
    found: list[Event] = []
    for own in by_contact.values():
        found += [*_erasing(request_id, at, own), *_said_again(request_id, own, subjects)]
    return found


def _erasing(request_id: str, at: int, own: list[ContactEvent]) -> Iterator[Event]:
    digests = sorted({digest_of(one.contact_id, one.event.event_id).hex for one in own})
    for start in range(0, len(digests), MAX_ERASED_EVENTS):
        some = digests[start : start + MAX_ERASED_EVENTS]
        yield from_dict(
            {
                "event_id": f"erasure:{request_id}:{some[0]}:originals",
                "type": EVENTS_ERASED,
                "tenant": own[0].event.tenant,
                "contact": own[0].event.contact,
                "occurred_at": at,
                "received_at": at,
                "source": "erasure",
                "data": {"events": some, "request_id": request_id},
            }
        )


def _said_again(request_id: str, own: list[ContactEvent], subjects: Collection[str]) -> Iterator[Event]:
    for one in own:
        left = without(one.event, subjects)
        if left is not None:
            digest = digest_of(one.contact_id, one.event.event_id).hex
            yield left.model_copy(update={"event_id": f"erasure:{request_id}:{digest}"})
