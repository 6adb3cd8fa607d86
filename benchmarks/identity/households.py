"""Evidence of made-up households of 1 to 30 contacts, all sizes alike. Pure; equal arguments give equal bytes.

So half of the households have sixteen contacts or more, which is far from everyday, and on purpose. Most are one
person: a few channels that vouch for their own ids, and many browsers that log in as the same member or are bound to
the person's first contact; all that is one component. In one of twenty live two members who give the same phone, so
that it ties nobody (*shared value*), and everything about the household is resolved in full. Some logins come
again, some phones are taken back, some records are delivered twice.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import orjson

from benchmarks.bed import KeyAndValue
from services.demo import brand

TENANT: Final = "demo"
LARGEST: Final = 30
_MEAN: Final = (1 + LARGEST) / 2
_START_MS: Final = 1_780_000_000_000
_SPAN_MS: Final = 30 * 86_400_000
_FAMILY_SHARE, _FAMILY_LEAST = 1 / 20, 4
_BOUND_SHARE, _AGAIN_SHARE, _RETRACTED_SHARE, _TWICE_SHARE = 0.3, 0.3, 0.03, 0.005

Timed = tuple[float, KeyAndValue]  # time in [0, 1), record


def evidence(records: Iterable[Timed]) -> list[KeyAndValue]:
    """Return the records in the order of their times, so that households mix."""
    return [record for _, record in sorted(records)]


def households_of(contacts: int) -> int:
    """Return how many households have this many contacts."""
    return max(1, round(contacts / _MEAN))


def household(number: int, brand_name: str = TENANT) -> Iterator[Timed]:
    """Yield all evidence about one household of a brand: 1 to 30 contacts, all sizes equally often."""
    rng = Random(f"household/{number}")
    size = 1 + number % LARGEST
    family = size >= _FAMILY_LEAST and rng.random() < _FAMILY_SHARE
    halves = (size // 2, size - size // 2) if family else (size,)
    for which, contacts in enumerate(halves):
        yield from _Person(rng, brand_name, number, which).records(contacts)


@dataclass(slots=True)
class _Person:
    rng: Random
    tenant: str
    household: int
    which: int
    made: int = field(default=0, init=False)

    def records(self, contacts: int) -> Iterator[Timed]:
        first = self._contact(0)
        for number in range(contacts):
            contact = first if number == 0 else self._contact(number)
            at = self.rng.random()
            if own := _own_id(contact):
                yield from self._record(at, contact, "message.received", {"message_id": "m", "kind": "text"}, own)
            if number and self.rng.random() < _BOUND_SHARE:
                bound = {"identifiers": [], "linked_contact": first, "via": "site_button"}
                yield from self._record(self._after(at), contact, "identity.bound", bound)
            else:
                yield from self._log_in(at, contact)

    def _log_in(self, at: float, contact: dict[str, str]) -> Iterator[Timed]:
        phone = {"type": "phone", "value": f"+8869{self.household:08d}", "assurance": "claimed"}
        member = {"type": "member_id", "value": f"M{self.household}-{self.which}", "assurance": "verified"}
        login = {"identifiers": [member, phone], "via": "login"}
        at = self._after(at)
        yield from self._record(at, contact, "identity.bound", login)
        if self.rng.random() < _AGAIN_SHARE:
            yield from self._record(self._after(at), contact, "identity.bound", login)
        if self.rng.random() < _RETRACTED_SHARE:
            gone = {"identifiers": [phone], "via": "api"}
            yield from self._record(self._after(at), contact, "identity.unbound", gone)

    def _contact(self, number: int) -> dict[str, str]:
        """The person's first three contacts are on channels, one each; the others are browsers."""
        channel = ("line", "facebook", "whatsapp")[number] if number < 3 else "web"
        uid = f"{self.household}-{self.which}-{number}"
        return {"channel": channel, "account": brand.ACCOUNTS[channel], "uid": uid}

    def _after(self, at: float) -> float:
        return at + (1 - at) * self.rng.random()

    def _record(
        self, at: float, contact: dict[str, str], type_name: str, data: dict[str, Any], intrinsic: tuple[Any, ...] = ()
    ) -> Iterator[Timed]:
        occurred_at = _START_MS + int(at * _SPAN_MS)
        event = {
            "event_id": f"bench:{self.household}:{self.which}:{self.made}",
            "tenant": self.tenant,
            "contact": contact,
            "type": type_name,
            "occurred_at": occurred_at,
            "received_at": occurred_at,
            "source": "bench",
            "schema_version": 1,
            "intrinsic": intrinsic,
            "data": data,
        }
        self.made += 1
        record = (self.tenant.encode(), orjson.dumps(event))
        yield at, record
        if self.rng.random() < _TWICE_SHARE:
            yield self._after(at), record


def _own_id(contact: dict[str, str]) -> tuple[dict[str, str], ...]:
    """The channel's own id of the contact, if it gives one."""
    own = {
        "line": ("line_user", f"{brand.LINE_PROVIDER}:{contact['uid']}"),
        "facebook": ("facebook_user", f"{contact['account']}:{contact['uid']}"),
        "whatsapp": ("whatsapp_user", f"{contact['account']}:{contact['uid']}"),
    }.get(contact["channel"])
    return ({"type": own[0], "value": own[1]},) if own else ()
