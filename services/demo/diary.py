"""Where the year is written down: every script notes what happens here, and asks who can be reached when.

A diary holds nothing after its end, and every event has an id of the kind that its source gives.
"""

from collections import defaultdict
from random import Random
from typing import Any, Final

from services.demo.people import Contact

CanonicalEvent = dict[str, Any]
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_LENGTH: Final = 26
FOR_GOOD: Final = 1 << 62


def ulid(at: int, rng: Random) -> str:
    """An id that sorts by time, as LINE gives its webhook events."""
    number = at << 80 | rng.getrandbits(80)
    return "".join(_CROCKFORD[number >> 5 * place & 31] for place in reversed(range(_ULID_LENGTH)))


class Diary:
    """The events so far, and the spans in which a contact was away (blocked) or wanted no marketing.

    ``names`` is what people call themselves on channels that send it along with all they say.
    """

    def __init__(self, rng: Random, until_ms: int) -> None:
        self.rng, self.until_ms = rng, until_ms
        self.events: list[CanonicalEvent] = []
        self.names: dict[str, str] = {}
        self._away: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._quiet: dict[str, list[tuple[int, int]]] = defaultdict(list)

    def note(  # noqa: PLR0913, PLR0917 - an event has these parts, and each caller says all of them
        self,
        at: int,
        contact: Contact,
        type_name: str,
        data: dict[str, Any],
        source: str,
        intrinsic: list[dict[str, str]] | None = None,
    ) -> None:
        """Write an event down, unless the year is over by then."""
        if at > self.until_ms:
            return
        if source == "whatsapp":  # whose clock has seconds
            at -= at % 1000
        event = {
            "event_id": f"{source}:{ulid(at, self.rng)}",
            "type": type_name,
            "contact": contact.ref,
            "occurred_at": at,
            "source": source,
            "data": data,
        }
        self.events.append(event | ({"intrinsic": intrinsic} if intrinsic else {}))

    def went_away(self, contact: Contact, since: int, until: int = FOR_GOOD) -> None:
        """The contact blocked the account."""
        self._away[contact.key].append((since, until))

    def wants_quiet(self, contact: Contact, since: int, until: int = FOR_GOOD) -> None:
        """The contact opted out of marketing."""
        self._quiet[contact.key].append((since, until))

    def reaches(self, contact: Contact, at: int, *, marketing: bool = False) -> bool:
        """Whether a message would arrive then, and be welcome if it is marketing."""
        spans = self._away[contact.key] + (self._quiet[contact.key] if marketing else [])
        return not any(since <= at < until for since, until in spans)
