"""The twin's reading of events: statements that count, what is live, and what each node holds."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.codec import encode
from schemas.events import Event
from tests.support.resolution_twin_values import OTHER, Json, TwinPolicy, normal

Node = tuple[str, str]
Identifier = tuple[str, Any]
Stamp = tuple[int, str]
CountingEvent = tuple[str | None, Stamp, Json]  # contact key, stamp, content


class Assertion(NamedTuple):
    """A contact's statement, with a value that is one: ``kind`` is an assurance, ``intrinsic`` or ``retracted``."""

    contact: str
    stamp: Stamp
    type: str
    value: str  # canonical
    spelling: str  # normalised, before merges of member ids
    kind: str


class Deciding(NamedTuple):
    """A decision by the contact ``by`` about itself and ``other``."""

    stamp: Stamp
    by: str
    other: str
    verdict: str


@dataclass
class Held:
    """What a node holds of one identifier."""

    tier: int
    since: int
    latest: tuple[int, int, str]
    spellings: set[str]


@dataclass
class World:
    """All that the events say, read under one policy."""

    policy: TwinPolicy
    seen: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    assertions: list[Assertion] = field(default_factory=list)
    decisions: list[Deciding] = field(default_factory=list)
    set_aside: set[tuple[str, str, str, str]] = field(default_factory=set)
    founded: dict[str, int] = field(default_factory=dict)
    erased: dict[str, Stamp] = field(default_factory=dict)

    def counts(self, contact: str, stamp: Stamp) -> bool:
        """Whether what was stated by or about the contact at this stamp outlives its erasures."""
        return contact not in self.erased or stamp > self.erased[contact]

    def found(self, contact: str, at: int) -> None:
        """Note that something was stated by or about the contact."""
        self.founded[contact] = min(at, self.founded.get(contact, at))


def counting(events: Iterable[Event]) -> list[CountingEvent]:
    """One event of each id, and every copy of an erasure: contact key, stamp and content."""
    copies: dict[tuple[str | None, str], list[tuple[int, str, str, Json]]] = defaultdict(list)
    for event in events:
        raw = json.loads(encode(event))
        raw["data"], raw["intrinsic"] = raw.get("data") or {}, raw.get("intrinsic") or []
        content = json.dumps([raw["data"], raw["intrinsic"]], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        contact = _key(raw["contact"]) if raw.get("contact") else None
        copies[contact, raw["event_id"]].append((raw["occurred_at"], raw["type"], content, raw))
    counting = []
    for (contact, event_id), rows in copies.items():
        least = min(rows, key=lambda row: row[:3])
        erasing = [row for row in rows if row[1] == "contact.erased" and row is not least]
        counting += [(contact, (at, event_id), raw) for at, _, _, raw in (least, *erasing)]
    return counting


def _key(contact: Json) -> str:
    return f"{contact['channel']}:{contact['account']}:{contact['uid']}"


def read(events: list[CountingEvent], policy: TwinPolicy) -> World:
    """All that the events say."""
    world = World(policy)
    for contact, stamp, raw in events:
        if contact:
            world.seen.add(contact)
            if raw["type"] == "contact.erased":
                world.erased[contact] = max(stamp, world.erased.get(contact, stamp))
    canonical = _member_merges(events, policy)
    for contact, stamp, raw in events:
        if contact and world.counts(contact, stamp):
            _read_decision(world, contact, stamp, raw)
            for name, value, kind in _statements(raw):
                _read_statement(world, Assertion(contact, stamp, name, value, value, kind), canonical)
    return world


def _read_decision(world: World, contact: str, stamp: Stamp, raw: Json) -> None:
    if raw["type"] == "identity.decided" and world.counts(_key(raw["data"]["other"]), stamp):
        other = _key(raw["data"]["other"])
        world.decisions.append(Deciding(stamp, contact, other, raw["data"]["decision"]))
        world.named.add(other)
        world.found(contact, stamp[0])
        world.found(other, stamp[0])


def _read_statement(world: World, one: Assertion, canonical: Callable[[str], str]) -> None:
    value, why = normal(one.type, one.value, world.policy, intrinsic=one.kind == "intrinsic")
    if one.type == "contact" and not world.counts(value or one.value, one.stamp):
        return
    if value is None:
        world.set_aside.add((one.contact, one.type, one.value, why))
        return
    world.found(one.contact, one.stamp[0])
    if one.type == "contact":
        world.named.add(value)
        world.found(value, one.stamp[0])
    end = canonical(value) if one.type == "member_id" else value
    world.assertions.append(one._replace(value=end, spelling=value))


def _statements(raw: Json) -> Iterable[tuple[str, str, str]]:
    """(type, value, kind) of each statement in an event."""
    for one in raw["intrinsic"]:
        yield one["type"], one["value"], "intrinsic"
    if raw["type"] not in {"identity.bound", "identity.unbound"}:
        return
    retracts = raw["type"] == "identity.unbound"
    for one in raw["data"].get("identifiers") or []:
        yield one["type"], one["value"], "retracted" if retracts else one.get("assurance") or "stated"
    if raw["data"].get("linked_contact"):
        yield "contact", _key(raw["data"]["linked_contact"]), "retracted" if retracts else "verified"


def _member_merges(events: list[CountingEvent], policy: TwinPolicy) -> Callable[[str], str]:
    """A function from a member id to its canonical one."""
    latest: dict[str, tuple[Stamp, str]] = {}
    for contact, stamp, raw in events:
        if contact is None and raw["type"] == "member.merged":
            one, _ = normal("member_id", raw["data"]["member_id"], policy)
            into, _ = (one, "") if raw["data"].get("into") is None else normal("member_id", raw["data"]["into"], policy)
            if one and into:
                latest[one] = max((stamp, into), latest.get(one, (stamp, into)))

    def canonical(member_id: str) -> str:
        path = [member_id]
        while path[-1] in latest and latest[path[-1]][1] != path[-1]:
            following = latest[path[-1]][1]
            if following in path:
                return min(path[path.index(following) :])
            path.append(following)
        return path[-1]

    return canonical


def _logins(world: World, contact: str) -> list[tuple[Stamp, str]]:
    if not contact.startswith("web:"):
        return []
    return sorted(
        (one.stamp, one.value)
        for one in world.assertions
        if one.contact == contact and one.type == "member_id" and one.kind != "retracted"
    )


def node_at(world: World, contact: str, at: int | None) -> Node:
    """The node that a contact is at a time; its last if the time is None."""
    logins = _logins(world, contact)
    before = [login for login in logins if at is None or login[0][0] <= at]
    return (contact, (before[-1] if before else logins[0])[1]) if logins else (contact, "")


def _node_of(world: World, one: Assertion) -> Node:
    """The node that an assertion belongs to."""
    logins = _logins(world, one.contact)
    if logins and one.type == "member_id":
        return (one.contact, one.value)
    own = [value for stamp, value in logins if stamp == one.stamp]
    return (one.contact, max(own)) if own else node_at(world, one.contact, one.stamp[0])


def _live(world: World) -> list[Assertion]:
    """The live assertions; sets aside claims beyond the hundredth."""
    rows: dict[tuple[str, str, str], list[Assertion]] = defaultdict(list)
    for one in world.assertions:
        rows[one.contact, one.type, one.value].append(one)
    live = [one for kinds in rows.values() for one in _live_of_one(kinds, world.policy)]
    claims: dict[tuple[str, str], dict[str, Stamp]] = defaultdict(dict)
    for one in live:
        if one.kind == "claimed" and one.type != "member_id":
            known = claims[one.contact, one.type]
            known[one.value] = max(one.stamp, known.get(one.value, one.stamp))
    dropped = set()
    for (contact, name), latest in claims.items():
        for value in sorted(latest, key=lambda value: (latest[value], value), reverse=True)[100:]:
            dropped.add((contact, name, value))
            world.set_aside.add((contact, name, value, "too_many_claims"))
    return [one for one in live if one.kind != "claimed" or (one.contact, one.type, one.value) not in dropped]


def _live_of_one(rows: list[Assertion], policy: TwinPolicy) -> Iterable[Assertion]:
    """The live of a contact's assertions of one identifier."""
    retracted = max((one.stamp for one in rows if one.kind == "retracted"), default=None)
    rule = policy.rule(rows[0].type) or OTHER
    for kind in ("verified", "stated", "claimed"):
        asserted = [one for one in rows if one.kind == kind]
        if asserted and rule[kind] is not None and (retracted is None or max(it.stamp for it in asserted) > retracted):
            yield from asserted
    vouched = [one for one in rows if one.kind == "intrinsic"]
    if vouched and rule["verified"] is not None:
        yield min(vouched, key=lambda one: one.stamp)
        if rows[0].contact.startswith("web:") and rows[0].type == "member_id":
            yield from vouched


def holdings_of(world: World) -> dict[Node, dict[Identifier, Held]]:
    """What each node holds. Every node is there, also one that holds nothing any more."""
    holdings: dict[Node, dict[Identifier, Held]] = {
        (contact, value): {} for contact in world.seen | world.named for _, value in _logins(world, contact)
    }
    for one in _live(world):
        node = _node_of(world, one)
        value: Any = node_at(world, one.value, one.stamp[0]) if one.type == "contact" else one.value
        if one.type == "contact" and value == node:
            continue
        rule = world.policy.rule(one.type) or OTHER
        tier = rule["verified" if one.kind == "intrinsic" else one.kind]
        rank = 2 if one.kind == "intrinsic" else 0 if world.policy.is_claims(one.type, tier) else 1
        new = Held(tier, one.stamp[0], (rank, *one.stamp), {one.spelling})
        old = holdings.setdefault(node, {}).setdefault((one.type, value), new)
        old.tier, old.since = min(old.tier, new.tier), min(old.since, new.since)
        old.latest, old.spellings = max(old.latest, new.latest), old.spellings | new.spellings
    for one in world.assertions:
        live = one.kind == "intrinsic" and (world.policy.rule(one.type) or OTHER)["verified"] is not None
        if live and (held := holdings.get(_node_of(world, one), {}).get((one.type, one.value))):
            held.spellings.add(one.spelling)
    return holdings
