"""Merged member ids: each member id is read as the end of its chain of merges."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from projections.identity.resolution.links import MEMBER_ID
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.statements import MemberMerge
from projections.identity.resolution.values import Normalised, normalise
from schemas.events.base import Stamp


class Canonical(NamedTuple):
    """The canonical id of each member id that has another one, and which ids are such ends."""

    ids: Mapping[str, str] = MappingProxyType({})
    ends: frozenset[str] = frozenset()

    def of(self, member_id: str) -> str:
        """The id that a member id is read as."""
        return self.ids.get(member_id, member_id)


NO_MERGES: Final = Canonical()


def canonical_ids(merges: Iterable[MemberMerge], policy: Policy) -> Canonical:
    """Each merged id's end of chain; of a chain that runs into a cycle, the cycle's least id by code point."""
    return ends_of(latest_merges(merges, policy))


def ends_of(into: Mapping[str, str]) -> Canonical:
    """The same from what each id was merged into, all values being normalised."""
    ends: dict[str, str] = {}
    for start in into:
        path: list[str] = []
        at = start
        while at in into and at not in ends and at not in path:
            path.append(at)
            at = into[at]
        if at in ends:
            end = ends[at]
        elif at in path:
            end = min(path[path.index(at) :])
        else:
            end = at
        ends.update(dict.fromkeys(path, end))
    ids = {one: end for one, end in ends.items() if one != end}
    return Canonical(ids, frozenset(ids.values()))


def latest_merges(merges: Iterable[MemberMerge], policy: Policy) -> dict[str, str]:
    """What each id was last merged into. A merge with a value set aside, on either side, is left out."""
    latest: dict[str, tuple[Stamp, str]] = {}
    for merge in merges:
        one = normalise(MEMBER_ID, merge.member_id, policy)
        other = one if merge.into is None else normalise(MEMBER_ID, merge.into, policy)
        if isinstance(one, Normalised) and isinstance(other, Normalised):
            found = (merge.stamp, other.value)
            latest[one.value] = max(found, latest.get(one.value, found))
    return {one: other for one, (_, other) in latest.items() if one != other}
