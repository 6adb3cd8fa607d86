"""How the customers that were found spread over tags, attributes, accounts and the like (pure)."""

from collections.abc import Mapping

from pyroaring import BitMap

from projections.customers.index.columns import mask_of
from projections.customers.index.customers import CustomerIndex
from projections.customers.search.facets import KINDS, FacetCount, FacetName
from projections.customers.terms import LONGEST


class FoundCounts:
    """Counts the values of the customers that are found in one index, the commonest first."""

    def __init__(self, index: CustomerIndex, found: BitMap, now: int) -> None:
        self._index = index
        self._found = found
        self._now = now

    def facet(self, name: FacetName, limit: int) -> list[FacetCount] | None:
        """The commonest values of a facet; None where they are too long for the index to tell them apart."""
        if name == "tag":
            return _commonest({tag: self._having(tag) for tag in self._index.tags}, limit)
        named = self._index.names
        ids = [one for one in self._index.terms.ids if named[one].kind == KINDS[name]]
        if any(len(named[one].value) >= LONGEST for one in ids):
            return None
        return _commonest({named[one].value: self._among(self._index.terms[one]) for one in ids}, limit)

    def values(self, key: str, limit: int) -> list[FacetCount] | None:
        """The commonest values of an attribute; None where it has too many for the index."""
        values = self._index.attributes.get(key)
        if values is None:
            return []
        if values.too_wide:
            return None
        return _commonest(values.counts(mask_of(self._found, self._index.size)), limit)

    def _having(self, tag: str) -> int:
        """How many have a tag that has not run out."""
        taggings = self._index.tags[tag]
        number = self._among(taggings.customers)
        return number - self._among(taggings.ended(self._now)) if number else 0

    def _among(self, customers: BitMap) -> int:
        return self._found.intersection_cardinality(customers)


def _commonest(counts: Mapping[str, int], limit: int) -> list[FacetCount]:
    found = (FacetCount(value, number) for value, number in counts.items() if number)
    return sorted(found, key=lambda one: (-one.customers, one.value))[:limit]
