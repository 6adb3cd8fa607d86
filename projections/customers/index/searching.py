"""Answers of the index: how many customers a search finds, which are on its page, and how they spread (pure)."""

from collections.abc import Sequence
from uuid import UUID

from projections.customers.index.counting import FoundCounts
from projections.customers.index.customers import CustomerIndex
from projections.customers.index.evaluating import BitmapEvaluation, LookedUp
from projections.customers.index.ordering import IndexedPage
from projections.customers.search.facets import FacetCount, FacetName
from projections.customers.search.filters import FilterNode
from projections.customers.search.queries import Page, Search


class IndexedSearch:
    """What one search finds. Raises NotIndexed where the index can't tell.

    Make it, and ask it, while the index is at the turn of the snapshot.
    """

    def __init__(self, index: CustomerIndex, search: Search, looked_up: LookedUp) -> None:
        self._index = index
        self._search = search
        self._evaluation = BitmapEvaluation(index, search.tenant, search.asked, looked_up)
        self._found = self._evaluation.found(search.filter)

    @property
    def total(self) -> int:
        """How many customers there are."""
        return len(self._found)

    def totals(self, parts: Sequence[FilterNode]) -> list[int]:
        """How many of them fulfil each of these conditions, for which nothing was looked up."""
        return [self._found.intersection_cardinality(self._evaluation.found(one)) for one in parts]

    def page(self, wanted: Page) -> list[UUID] | None:
        """The customers of a page, in its order; None for an order that the index does not have."""
        if wanted.sort.by not in self._index.times:
            return None
        numbers = IndexedPage(self._index, self._found, wanted.sort).numbers(wanted.limit, wanted.after)
        return [UUID(bytes=self._index.ids.id(one)) for one in numbers]

    def facets(self, names: Sequence[FacetName], limit: int) -> dict[FacetName, list[FacetCount]]:
        """The commonest values of those facets that the index tells."""
        counts = FoundCounts(self._index, self._found, self._search.asked.now)
        found = ((name, counts.facet(name, limit)) for name in names)
        return {name: values for name, values in found if values is not None}

    def values(self, keys: Sequence[str], limit: int) -> dict[str, list[FacetCount]]:
        """The commonest values of those attributes that the index tells."""
        counts = FoundCounts(self._index, self._found, self._search.asked.now)
        found = ((key, counts.values(key, limit)) for key in keys)
        return {key: values for key, values in found if values is not None}
