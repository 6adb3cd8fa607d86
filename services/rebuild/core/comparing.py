"""From digests and rows to a verdict.

A read model is compared tenant by tenant. *Here* is the active generation, *there* the one that was built.
"""

from collections.abc import AsyncIterator, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from projections.engine.comparison import EMPTY, Digest
from projections.engine.metadata import Key

MOST_ROWS: Final = 100  # that are shown
MOST_KEYS: Final = 10_000  # of one tenant's rows in one read model that are remembered as differing

HashedRows = AsyncIterator[tuple[Key, int]]


class TenantRows(NamedTuple):
    """One tenant's rows of one read model."""

    read_model: str
    tenant: str


class DifferingKeys(NamedTuple):
    """The keys of rows that differ, in their order; ``complete`` is False if there are more than were remembered."""

    keys: tuple[Key, ...]
    complete: bool

    def still(self, later: "DifferingKeys") -> "DifferingKeys":
        """Those of the ``later`` ones that differed before, too. Those that were not remembered may have."""
        if not self.complete:
            return later
        before = frozenset(self.keys)
        return DifferingKeys(tuple(one for one in later.keys if one in before), later.complete)

    def __bool__(self) -> bool:
        """Whether rows differ."""
        return bool(self.keys) or not self.complete


class DifferingRow(NamedTuple):
    """A row that differs, in both versions, as column names to values; None where there is none."""

    place: TenantRows
    key: Key
    here: Mapping[str, Any] | None
    there: Mapping[str, Any] | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that differ; none if one of the versions is missing."""
        if self.here is None or self.there is None:
            return ()
        return tuple(name for name, value in self.here.items() if self.there.get(name) != value)


class ComparedPlace(NamedTuple):
    """The result for one tenant's rows of one read model."""

    place: TenantRows
    rows_here: int
    rows_there: int
    same: bool


@dataclass(frozen=True, slots=True)
class GenerationComparison:
    """The result: each place, the first rows that differ, and read models whose tables or folds another code made.

    ``pending`` is the number of records of evidence that the active generation's identity had not read. If nobody feeds
    it, its rows of identity may differ for that reason alone.
    """

    places: Sequence[ComparedPlace]
    rows: Sequence[DifferingRow] = ()
    changed: Mapping[str, str] = field(default_factory=dict)  # the reason by read model
    pending: int = 0

    @property
    def differing(self) -> tuple[str, ...]:
        """The names of the read models that differ."""
        return tuple(sorted({one.place.read_model for one in self.places if not one.same}))

    def refused(self, accepted: Collection[str]) -> tuple[str, ...]:
        """The names of those that differ and were not accepted."""
        return tuple(name for name in self.differing if name not in accepted)

    def as_dict(self) -> dict[str, Any]:
        """What is stored of it: no values."""
        return {
            "places": [(*one.place, one.rows_here, one.rows_there, one.same) for one in self.places],
            "rows": [{"place": list(one.place), "columns": one.columns} for one in self.rows],
            "changed": dict(self.changed),
            "pending": self.pending,
        }


def places_of(
    read_model: str, here: Mapping[str, Digest], there: Mapping[str, Digest], differs: Collection[TenantRows]
) -> list[ComparedPlace]:
    """The results of a read model; ``differs`` are the places that still differed in the last round."""
    places = (TenantRows(read_model, tenant) for tenant in sorted(here.keys() | there.keys()))
    return [
        ComparedPlace(one, here.get(one.tenant, EMPTY).rows, there.get(one.tenant, EMPTY).rows, same=one not in differs)
        for one in places
    ]


def differing_places(read_model: str, here: Mapping[str, Digest], there: Mapping[str, Digest]) -> Iterable[TenantRows]:
    """The places whose digests differ."""
    tenants = sorted(here.keys() | there.keys())
    return (TenantRows(read_model, one) for one in tenants if here.get(one, EMPTY) != there.get(one, EMPTY))


async def differing_keys(
    here: HashedRows, there: HashedRows, most: int = MOST_KEYS, *, without: Container[Any] | None = None
) -> DifferingKeys:
    """The keys whose hashes differ, or that only one side has. Both sides come in the order of their keys.

    Those whose second part, after the tenant, is one of the ids ``without`` are left out.
    """
    found: list[Key] = []
    one, other = await anext(here, None), await anext(there, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            key, one = _key(one), await anext(here, None)
        elif one is None or other[0] < one[0]:
            key, other = _key(other), await anext(there, None)
        else:
            same = one == other
            key, one, other = one[0], await anext(here, None), await anext(there, None)
            if same:
                continue
        if without is not None and key[1] in without:
            continue
        if len(found) == most:
            return DifferingKeys(tuple(found), complete=False)
        found.append(key)
    return DifferingKeys(tuple(found), complete=True)


def _key(row: tuple[Key, int] | None) -> Key:
    if row is None:
        raise ValueError("there is no row")
    return row[0]
