"""Remembers which daily statements this process has sent, so that it need not send them again."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from schemas.events import Event
from services.ingress.core.web import DAILY_PREFIX

_MOST: Final = 65_536


class DailyDedup:
    """Daily statements, by tenant and id, that Kafka has acknowledged.

    Only an optimisation: a statement that is sent again has the same id, so it is absorbed as a duplicate.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def new_events(self, events: Iterable[Event]) -> list[Event]:
        """The events without repeats of remembered statements."""
        here: set[tuple[str, str]] = set()
        found = []
        for event in events:
            if event.event_id.startswith(DAILY_PREFIX):
                name = (event.tenant, event.event_id)
                if name in here or name in self._known:
                    continue
                here.add(name)
            found.append(event)
        return found

    def remember(self, events: Iterable[Event]) -> None:
        """Remember those of the events that are daily statements; they are acknowledged."""
        for event in events:
            if event.event_id.startswith(DAILY_PREFIX):
                self._known[event.tenant, event.event_id] = None
                if len(self._known) > self._most:
                    self._known.popitem(last=False)
