"""Evaluates a filter for all customers of an index at once (pure).

It gives the same as `search.evaluating` gives for each customer, and PostgreSQL for its rows. What the index does not
have is looked up in PostgreSQL before, or makes it NotIndexed: then PostgreSQL evaluates the whole filter.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from pyroaring import BitMap

from projections.customers.folds import CustomerPlace
from projections.customers.index.columns import Array, Mask, bitmap_of
from projections.customers.index.comparing import number_mask, time_mask
from projections.customers.index.contacts import OverQuota
from projections.customers.index.customers import CustomerIndex
from projections.customers.search import filters
from projections.customers.search.asking import AskedAt
from projections.customers.search.exact import exact
from projections.customers.search.operators import TextTest
from projections.customers.search.times import moment_of
from projections.customers.terms import HAS, Term, folded, grams_to_find, many_grams, term_id

_TEXTS: Final[dict[type[filters.Condition], str]] = {
    filters.ByMemberId: "member_id",
    filters.ByPhone: "phone",
    filters.ByEmail: "email",
}
_TIMES: Final[dict[type[filters.Condition], str]] = {
    filters.ByLastCustomer: "last_customer",
    filters.ByLastTeam: "last_team",
    filters.ByLastMarketing: "last_marketing",
    filters.ByFirstSeen: "first_seen",
}
_OF_GRAMS: Final = 2  # characters that the grams of a name tell it contains


class NotIndexed(Exception):
    """The index does not have what the filter asks for."""


class LookedUp(NamedTuple):
    """What PostgreSQL knows of a filter that the index does not.

    ``found`` are the customers that fulfil conditions, by the condition's identity as an object. ``at_quota_end`` are
    those that became valid at the very time at which the quota ends: which of them are beyond it.
    """

    found: Mapping[int, Collection[bytes]]
    beyond_at_end: Collection[bytes] = ()


def to_look_up(node: filters.FilterNode) -> Iterator[filters.FilterNode]:
    """The conditions that have to be looked up. Raises NotIndexed for those that would be dear to look up."""
    for one in filters.walk(node):
        if isinstance(one, tuple(_TEXTS)):
            test: TextTest = getattr(one, _TEXTS[type(one)])
            if not _asks_for_any(test):
                if test.eq is None and test.in_ is None:
                    raise NotIndexed
                yield one
        elif isinstance(one, filters.ByName) and not (_asks_for_any(one.name) or _short_part(one.name)):
            if not (one.name.eq or one.name.starts or one.name.contains):
                raise NotIndexed
            yield one


class BitmapEvaluation:
    """Evaluates filters of one tenant at one moment."""

    def __init__(self, index: CustomerIndex, tenant: str, asked: AskedAt, looked_up: LookedUp) -> None:
        self._index = index
        self._tenant = tenant
        self._asked = asked
        self._looked_up = looked_up

    def found(self, node: filters.FilterNode) -> BitMap:
        """The customers that fulfil the filter. Raises NotIndexed."""
        return self._of(node) & self._index.everybody

    def _of(self, node: filters.FilterNode) -> BitMap:
        """The same, and perhaps some that are none any more."""
        wanted = exact(node)
        match node:
            case filters.All() | filters.OpenedSegment():
                return self._every(node.parts)
            case filters.AnyOf(any=parts):
                return BitMap.union(*map(self._of, parts))
            case _ if wanted is not None:
                return BitMap.union(*(self._term(one) for one in wanted))
            case filters.Not(not_=part):
                return self._index.everybody - self._of(part)
            case _ if node.of_contact or isinstance(node, filters.SameContact):
                return self._some_contact(node.same_contact if isinstance(node, filters.SameContact) else node)
            case _:
                return self._leaf(node)

    def _every(self, parts: Collection[filters.FilterNode]) -> BitMap:
        found = self._index.everybody
        for part in parts:
            found = found & self._of(part)
            if not found:
                break
        return found

    def _term(self, term: Term) -> BitMap:
        return self._index.terms[term_id(self._tenant, term)]

    def _some_contact(self, node: filters.FilterNode) -> BitMap:
        over = OverQuota()
        if any(isinstance(one, filters.ByQuota) for one in filters.walk(node)):
            over = self._over_quota()
        return self._customers(self._index.contacts.owners(node, self._asked, over))

    def _leaf(self, node: filters.FilterNode) -> BitMap:  # noqa: PLR0911 - one of each kind
        if id(node) in self._looked_up.found:
            return BitMap(self._numbers(self._looked_up.found[id(node)]))
        if field := _TIMES.get(type(node)):
            test = getattr(node, field)
            return self._where(time_mask(test, self._index.times[field].array, self._asked.now))
        if field := _TEXTS.get(type(node)):
            return self._has(field, getattr(node, field))
        match node:
            case filters.ByName(name=test):
                part = _short_part(test)
                return self._has("name", test) if part is None else self._containing(part)
            case filters.ByTag():
                return self._tag(node)
            case filters.ByAttribute():
                return self._attribute(node)
            case filters.ByContactCount(contacts=test):
                return self._where(number_mask(test, self._index.contact_counts.array))
            case filters.ById(id=ids):
                return BitMap(self._numbers([one.bytes for one in ids]))
            case filters.ByConflicts(conflicts=conflicts):
                having = self._term(Term(HAS, "conflicts"))
                return having if conflicts else self._index.everybody - having
            case _:
                raise TypeError(f"`{filters.key_of(node)}` has to be opened to what it asks for")

    def _has(self, name: str, test: TextTest) -> BitMap:
        """Whether there is a member id or the like, of a test that asks for nothing else."""
        having = self._term(Term(HAS, name))
        return self._index.everybody - having if test.set is False else having

    def _containing(self, part: str) -> BitMap:
        """Whose names contain one character, or two neighbours."""
        if self._index.grams[many_grams(self._tenant)]:
            raise NotIndexed
        return BitMap.intersection(*(self._index.grams[one] for one in grams_to_find(self._tenant, part)))

    def _tag(self, node: filters.ByTag) -> BitMap:
        taggings = self._index.tags.get(node.tag)
        if taggings is None:
            return BitMap()
        if node.count is None and node.since is None:
            return taggings.customers - taggings.ended(self._asked.now)
        since = None if node.since is None else moment_of(node.since, self._asked.now)
        return self._customers(taggings.owners(self._asked.now, node.count, since))

    def _attribute(self, node: filters.ByAttribute) -> BitMap:
        values = self._index.attributes.get(node.attribute)
        having = BitMap() if values is None else values.customers
        if node.set is False:
            return self._index.everybody - having
        if values is None or node.operators() == {"set": True}:
            return having
        if values.too_wide:
            raise NotIndexed
        return self._customers(values.owners(node))

    def _over_quota(self) -> OverQuota:
        if self._asked.customer_end is not None:
            return OverQuota(customers=self._beyond(self._asked.customer_end))
        if self._asked.quota_end is None:
            return OverQuota()
        return OverQuota(self._asked.quota_end.subscribed_at, self._numbers(self._looked_up.beyond_at_end))

    def _beyond(self, end: CustomerPlace) -> Mask:
        """Which customers became valid later than the last one within the quota."""
        since = self._index.valid_since.array
        beyond: Mask = since > end.valid_since
        same = np.flatnonzero(since == end.valid_since)
        beyond[same] = self._index.ids.after(same, end.customer_id.bytes)
        return beyond

    def _numbers(self, ids: Collection[bytes]) -> list[int]:
        return [one for one in self._index.ids.numbers([*ids]) if one is not None]

    def _where(self, holds: Mask) -> BitMap:
        return bitmap_of(np.flatnonzero(holds))

    def _customers(self, owners: Array) -> BitMap:
        """The set of customers, of which some may be given more than once, and in any order."""
        mask = np.zeros(self._index.size, dtype=np.bool_)
        mask[owners] = True
        return self._where(mask)


def _asks_for_any(test: TextTest) -> bool:
    return test.operators().keys() == {"set"}


def _short_part(test: TextTest) -> str | None:
    """The character, or the two, that a name has to contain, if the test asks for nothing else."""
    if test.contains is None or not test.operators().keys() <= {"contains", "set"}:
        return None
    part = folded(test.contains)
    return part if 0 < len(part) <= _OF_GRAMS else None


def asks_quota(node: filters.FilterNode) -> bool:
    """Whether the filter asks for contacts over quota."""
    return any(isinstance(one, filters.ByQuota) for one in filters.walk(node))
