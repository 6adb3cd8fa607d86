"""Pages of the search index are those of all customers in their order, though not all of their times are read."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from projections.customers.index import ordering
from projections.customers.index.columns import MISSING
from projections.customers.index.customers import CustomerIndex
from projections.customers.index.ordering import IndexedPage
from projections.customers.search.queries import Position, Sort

TIMES = st.lists(st.none() | st.integers(0, 12), min_size=1, max_size=40)


@given(times=TIMES, left=st.sets(st.integers(0, 39)), limit=st.integers(1, 5), descending=st.booleans())
def test_the_pages_follow_each_other_to_the_end(
    times: list[int | None], left: set[int], limit: int, descending: bool
) -> None:
    index, found = CustomerIndex(), [one for one in range(len(times)) if one not in left]
    index.ids.add([UUID(int=one).bytes for one in range(len(times))])
    index.times["last_team"].extend([MISSING if at is None else at for at in times])
    known = sorted(((times[one] or 0, one) for one in found if times[one] is not None), reverse=descending)
    page = IndexedPage(index, BitMap(found), Sort("last_team", descending=descending))
    seen: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, few in (("_MANY", 2), ("_SAMPLED", 7)):
            patch.setattr(ordering, name, few)
        while more := page.numbers(limit, Position(times[seen[-1]], UUID(int=seen[-1])) if seen else None):
            seen += more
    assert seen == [one for _, one in known] + [one for one in found if times[one] is None]
