"""Who is together, by three sets of rules: Onefold's, plain connected components, and ones like Segment's.

Each is given the same events. The other two also get Onefold's normalisation and block list, so what differs is the
rules alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from projections.identity.resolution.links import CONTACT, MEMBER_ID, NormalisedIdentifier
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import Resolution, evidence_in, resolve
from projections.identity.resolution.statements import log_of
from schemas.events import Event

JoinedPeople = Sequence[frozenset[str]]
Contender = Callable[[Resolution], JoinedPeople]

# From the strongest to the weakest, with how many values of it a profile may have.
_LIMITS: Final[Mapping[str, int]] = {
    MEMBER_ID: 1,
    "line_user": 1,
    "whatsapp_user": 1,
    "phone": 5,
    "email": 5,
    "x_device": 10,
    CONTACT: 100,
}
_STRONGEST_FIRST: Final = list(_LIMITS)


def resolved(events: Iterable[Event]) -> Resolution:
    """The events by Onefold's rules, with the default policy."""
    return resolve(evidence_in(log_of(events)), Policy())


def onefold(resolution: Resolution) -> JoinedPeople:
    """The customers."""
    return [frozenset(one.contacts) for one in resolution.customers]


def components(resolution: Resolution) -> JoinedPeople:
    """Whoever shares any identifier, however indirectly."""
    groups = _Groups()
    for contact, identifiers in _stated(resolution):
        for one in identifiers:
            groups.join(contact, one)
    return groups.of(resolution.evidence.contacts)


def segment_like(resolution: Resolution) -> JoinedPeople:
    """Statement by statement in the order of time, into profiles with limits.

    A statement's identifiers, its contact among them, are merged into one profile. Where that would give a profile more
    values of a type than its limit, the statement's weakest identifier is dropped until it does not; a contact that is
    dropped so goes to the profile of the stronger ones, since the later one wins.
    """
    profiles = _Profiles()
    for contact, identifiers in _stated(resolution):
        profiles.take((CONTACT, contact), identifiers)
    return profiles.clusters(resolution.evidence.contacts)


CONTENDERS: Final[Mapping[str, Contender]] = {
    "onefold": onefold,
    "components": components,
    "segment_like": segment_like,
}


def _stated(resolution: Resolution) -> list[tuple[str, list[NormalisedIdentifier]]]:
    """What each contact states, session by session, in the order of time; a browser in each binding is a contact."""
    found = []
    for contact, view in resolution.nodes.items():
        for held in view.nodes.values():
            by_time: dict[int, list[NormalisedIdentifier]] = {}
            for (type_name, value), one in held.items():
                flat = value[0] if isinstance(value, tuple) else value
                by_time.setdefault(one.since, []).append((type_name, flat))
            found += [(at, contact, identifiers) for at, identifiers in by_time.items()]
    return [(contact, identifiers) for _, contact, identifiers in sorted(found)]


class _Groups:
    """Disjoint sets of contacts and identifiers."""

    def __init__(self) -> None:
        self._parents: dict[object, object] = {}

    def root(self, one: object) -> object:
        while (parent := self._parents.get(one, one)) != one:
            self._parents[one] = self._parents.get(parent, parent)
            one = parent
        return one

    def join(self, contact: str, identifier: NormalisedIdentifier) -> None:
        other = identifier[1] if identifier[0] == CONTACT else identifier
        self._parents[self.root(contact)] = self.root(other)

    def of(self, contacts: Iterable[str]) -> JoinedPeople:
        found: dict[object, set[str]] = {}
        for contact in contacts:
            found.setdefault(self.root(contact), set()).add(contact)
        return [frozenset(one) for one in found.values()]


class _Profiles:
    """Profiles, each a set of identifiers; an identifier is of one profile."""

    def __init__(self) -> None:
        self._profile_of: dict[NormalisedIdentifier, int] = {}
        self._members: dict[int, set[NormalisedIdentifier]] = {}

    def take(self, contact: NormalisedIdentifier, identifiers: Iterable[NormalisedIdentifier]) -> None:
        stated = sorted({contact, *identifiers}, key=lambda one: (_STRONGEST_FIRST.index(one[0]), one != contact, one))
        while not self._fits(stated):
            stated.pop()
        merged = self._merge(stated)
        if contact not in stated:
            self._members[self._profile_of.get(contact, merged)].discard(contact)
            self._put(contact, merged)

    def _fits(self, stated: Sequence[NormalisedIdentifier]) -> bool:
        together = set(stated).union(*(self._members[one] for one in self._profiles(stated)))
        counted = Counter(type_name for type_name, _ in together)
        return len(stated) == 1 or all(number <= _LIMITS[name] for name, number in counted.items())

    def _profiles(self, stated: Iterable[NormalisedIdentifier]) -> set[int]:
        return {self._profile_of[one] for one in stated if one in self._profile_of}

    def _merge(self, stated: Sequence[NormalisedIdentifier]) -> int:
        known = self._profiles(stated)
        into = min(known, default=len(self._members))
        self._members.setdefault(into, set())
        for profile in known - {into}:
            for one in self._members[profile]:
                self._put(one, into)
            self._members[profile] = set()
        for one in stated:
            self._put(one, into)
        return into

    def _put(self, one: NormalisedIdentifier, profile: int) -> None:
        self._members[profile].add(one)
        self._profile_of[one] = profile

    def clusters(self, contacts: Iterable[str]) -> JoinedPeople:
        found: dict[object, set[str]] = {}
        for contact in contacts:
            found.setdefault(self._profile_of.get((CONTACT, contact), contact), set()).add(contact)
        return [frozenset(one) for one in found.values()]
