"""Which events a chunk makes count, and which ones no longer do (pure)."""

from collections.abc import Iterable, Sequence

from projections.engine.metadata import Key
from projections.engine.projection import ContactEvent
from projections.timeline.messages import MessageKey, rank, sent_message

Overruling = Sequence[tuple[ContactEvent, ContactEvent]]


class MessageChanges:
    """The messages of the team that a chunk is about: the chunk's events of each, and what these took the place of."""

    def __init__(self, new: Iterable[ContactEvent], overruling: Overruling) -> None:
        self._now: dict[MessageKey, list[ContactEvent]] = {}
        self._before: dict[MessageKey, list[ContactEvent]] = {}
        for one in [*new, *(now for now, _ in overruling)]:
            _add(self._now, one)
        for _, before in overruling:
            _add(self._before, before)

    @property
    def lookups(self) -> list[tuple[MessageKey, str]]:
        """Each message, with the id of an event that is in the chunk: its other events decide too."""
        events = [(key, one) for of_key in (self._now, self._before) for key, found in of_key.items() for one in found]
        return list(dict.fromkeys((key, one.event.event_id) for key, one in events))

    def decide(self, others: Iterable[ContactEvent]) -> tuple[list[ContactEvent], list[ContactEvent]]:
        """The events that count now and did not, and those that did; ``others`` are the messages' recorded events."""
        chunk = {_event_key(one) for found in self._now.values() for one in found}
        known: dict[MessageKey, list[ContactEvent]] = {}
        for one in {_event_key(one): one for one in others}.values():
            if _event_key(one) not in chunk:
                _add(known, one)
        counting: list[ContactEvent] = []
        withdrawn: list[ContactEvent] = []
        for key in {**self._now, **self._before}:
            now = min([*known.get(key, []), *self._now.get(key, [])], key=rank, default=None)
            before = min([*known.get(key, []), *self._before.get(key, [])], key=rank, default=None)
            if now != before:
                counting += [now] if now else []
                withdrawn += [before] if before else []
        return counting, withdrawn


def plain(events: Iterable[ContactEvent]) -> list[ContactEvent]:
    """The events that are no messages of the team with an id: each counts by itself."""
    return [one for one in events if sent_message(one) is None]


def _add(found: dict[MessageKey, list[ContactEvent]], one: ContactEvent) -> None:
    key = sent_message(one)
    if key is not None:
        found.setdefault(key, []).append(one)


def _event_key(one: ContactEvent) -> Key:
    return (one.event.tenant, one.contact_id, one.event.event_id)
