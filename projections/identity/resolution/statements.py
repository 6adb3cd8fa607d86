"""Events as statements: what each event states about identity, and which of its copies counts.

- ``identity.bound`` asserts its identifiers, each with its assurance, and its linked contact (``contact``, verified);
- ``identity.unbound`` retracts the identifiers and the linked contact that it names, whatever their assurance;
- any event may carry intrinsic identifiers, which its channel vouches for and nobody can retract;
- ``identity.decided`` decides whether two contacts are one person;
- ``contact.erased`` takes back all that its contact stated so far, and what others stated or decided about it;
- ``contact.events_erased`` takes back single events of its contact;
- ``member.merged`` states that a member id is now another one. It concerns the tenant, not a contact.

One event id of a contact is one event. Of copies that differ, the least by time, type and canonical content counts; but
each copy of an erasure erases, since what is erased can't be brought back.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, cast
from uuid import UUID

import orjson

from projections.identity.resolution.links import CONTACT
from schemas.events import Event
from schemas.events.base import Stamp
from schemas.events.profile import ErasureOfEvents

BOUND: Final = "identity.bound"
UNBOUND: Final = "identity.unbound"
DECIDED: Final = "identity.decided"
ERASED: Final = "contact.erased"
EVENTS_ERASED: Final = "contact.events_erased"
MERGED: Final = "member.merged"
_NEVER: Final = (0, "")
EVIDENCE_TYPES: Final = frozenset({BOUND, UNBOUND, DECIDED, ERASED})

StatementKind = Literal["intrinsic", "verified", "stated", "claimed", "retracted"]
Verdict = Literal["same", "different", "undecided"]


class EventRecord(NamedTuple):
    """What is kept of an event. Of copies that differ, the least record counts."""

    at: int
    type: str
    content: str  # canonical JSON of [data, intrinsic]: keys sorted, no spaces, not escaped

    @property
    def has_evidence(self) -> bool:
        """Whether it states anything about identity."""
        return self.type in EVIDENCE_TYPES or not self.content.endswith(",[]]")


class Statement(NamedTuple):
    """What an event states of one identifier of its contact; the value is as it was stated."""

    at: int
    event_id: str
    type: str
    value: str
    kind: StatementKind

    @property
    def stamp(self) -> Stamp:
        """``(at, event_id)``, the order of statements."""
        return (self.at, self.event_id)


class Decision(NamedTuple):
    """What staff decided about the contact and another one."""

    at: int
    event_id: str
    other: str
    verdict: Verdict


class EventStatements(NamedTuple):
    """All that one event of a contact states."""

    statements: tuple[Statement, ...] = ()
    decisions: tuple[Decision, ...] = ()


class MemberMerge(NamedTuple):
    """That a member id became another's; ``into`` None takes it back. Values are as they were stated."""

    at: int
    event_id: str
    member_id: str
    into: str | None

    @property
    def stamp(self) -> Stamp:
        """``(at, event_id)``, the order of statements."""
        return (self.at, self.event_id)


@dataclass(slots=True)
class EvidenceLog:
    """One tenant's events as far as they concern identity, each once, however often it came.

    ``events`` are by contact key and event id, ``merges`` by event id. ``contacts`` had an event of their own.
    ``erasures`` has the latest erasure of a contact by ``(at, event_id)``, of all copies: an erasure can't be undone.
    Where single events alone were erased, it is before all of them; ``listed`` has hashes of their ids,
    and ``listing`` the latest event that has any.
    """

    contacts: set[str] = field(default_factory=set)
    events: dict[str, dict[str, EventRecord]] = field(default_factory=dict)
    merges: dict[str, EventRecord] = field(default_factory=dict)
    erasures: dict[str, Stamp] = field(default_factory=dict)
    listed: dict[str, set[UUID]] = field(default_factory=dict)
    listing: dict[str, Stamp] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Take an event in; a repeat changes nothing."""
        if event.contact is None:
            if event.type == MERGED:
                _keep_least(self.merges, event)
            return
        contact = event.contact.key
        self.contacts.add(contact)
        if event.type == ERASED:
            self.erasures[contact] = max(event.stamp, self.erasures.get(contact, event.stamp))
        if event.type == EVENTS_ERASED:
            self.erasures.setdefault(contact, _NEVER)
            self.listing[contact] = max(event.stamp, self.listing.get(contact, event.stamp))
            digests = cast("ErasureOfEvents", event.data).events
            self.listed.setdefault(contact, set()).update(UUID(hex=one) for one in digests)
        _keep_least(self.events.setdefault(contact, {}), event)

    def rename(self, before: str, contact: str) -> None:
        """Have what is known of a contact under its name ``before`` under another one, beside what is known there."""
        self.contacts -= {before}
        self.contacts.add(contact)
        if (erasure := self.erasures.pop(before, None)) is not None:
            self.erasures[contact] = max(erasure, self.erasures.get(contact, erasure))
        if (listed := self.listed.pop(before, None)) is not None:
            self.listed.setdefault(contact, set()).update(listed)
            listing = self.listing.pop(before)
            self.listing[contact] = max(listing, self.listing.get(contact, listing))
        known = self.events.setdefault(contact, {})
        for event_id, record in self.events.pop(before, {}).items():
            known[event_id] = min(record, known.get(event_id, record))

    def erase(self, erased: Mapping[str, Stamp]) -> dict[str, set[str]]:
        """Take out the events up to the times at which contacts were erased. Returns their ids by contact."""
        gone: dict[str, set[str]] = {}
        for contact, horizon in erased.items():
            of_contact = self.events.get(contact, {})
            found = {event_id for event_id, one in of_contact.items() if (one.at, event_id) <= horizon}
            self.leave_out(contact, found)
            gone[contact] = found
        return gone

    def erase_listed(self, digest: Callable[[str, str], UUID]) -> None:
        """Take out single events that are erased. ``digest`` gives the hash of a contact's event id."""
        for contact, listed in self.listed.items():
            found = [one for one in self.events.get(contact, ()) if digest(contact, one) in listed]
            self.leave_out(contact, found)

    def leave_out(self, contact: str, event_ids: Iterable[str]) -> None:
        """Take events out."""
        of_contact = self.events.get(contact, {})
        for event_id in event_ids:
            of_contact.pop(event_id, None)
        if not of_contact:
            self.events.pop(contact, None)

    def member_merges(self) -> Iterator[MemberMerge]:
        """The merges of member ids."""
        for event_id, record in self.merges.items():
            yield merge_in(event_id, record)


def record_of(event: Event) -> EventRecord:
    """What is kept of the event."""
    data = event.data
    if not isinstance(data, dict):
        data = data.__pydantic_serializer__.to_python(data, mode="json", exclude_none=True)
    content = [data, [{"type": one.type, "value": one.value} for one in event.intrinsic]]
    return EventRecord(event.occurred_at, event.type, orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode())


def statements_in(event_id: str, record: EventRecord) -> EventStatements:
    """What an event of a contact states."""
    if not record.has_evidence:
        return EventStatements()
    data, intrinsic = orjson.loads(record.content)
    at = record.at
    vouched = [Statement(at, event_id, one["type"], one["value"], "intrinsic") for one in intrinsic]
    if record.type == DECIDED:
        decision = Decision(at, event_id, _key(data["other"]), data["decision"])
        return EventStatements(tuple(vouched), (decision,))
    if record.type in {BOUND, UNBOUND}:
        vouched.extend(_bindings(at, event_id, data, retracted=record.type == UNBOUND))
    return EventStatements(tuple(vouched))


def merge_in(event_id: str, record: EventRecord) -> MemberMerge:
    """The merge in a ``member.merged`` event."""
    data, _ = orjson.loads(record.content)
    return MemberMerge(record.at, event_id, data["member_id"], data.get("into"))


def log_of(events: Iterable[Event]) -> EvidenceLog:
    """All of one tenant's events, in whatever order and however often each comes."""
    log = EvidenceLog()
    for event in events:
        log.add(event)
    return log


def _bindings(at: int, event_id: str, data: Mapping[str, Any], *, retracted: bool) -> Iterator[Statement]:
    for one in data.get("identifiers", ()):
        kind: StatementKind = "retracted" if retracted else one.get("assurance") or "stated"
        yield Statement(at, event_id, one["type"], one["value"], kind)
    linked = data.get("linked_contact")
    if linked is not None:
        yield Statement(at, event_id, CONTACT, _key(linked), "retracted" if retracted else "verified")


def _key(contact: Mapping[str, str]) -> str:
    return f"{contact['channel']}:{contact['account']}:{contact['uid']}"


def _keep_least(known: dict[str, EventRecord], event: Event) -> None:
    record = record_of(event)
    if record < known.setdefault(event.event_id, record):
        known[event.event_id] = record
