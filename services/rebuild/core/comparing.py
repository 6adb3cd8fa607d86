"""From digests and rows to a verdict.

A read model is compared tenant by tenant. *Here* is the active generation, *there* the one that was built.
"""

from collections.abc import AsyncIterator, Collection, Container, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID

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

    def together(self, other: "DifferingKeys") -> "DifferingKeys":
        """These and the other ones."""
        return DifferingKeys((*self.keys, *other.keys), self.complete and other.complete)

    def __bool__(self) -> bool:
        """Whether rows differ."""
        return bool(self.keys) or not self.complete


NO_KEYS: Final = DifferingKeys((), complete=True)


class FoundKeys(NamedTuple):
    """The keys of rows that differ: of those that can be judged, and of those that can't, ``undecided``.

    ``nameless`` is how many others differ that may: they are of contacts with events that name an erased one, whose
    name the log does not give any more.
    """

    differing: DifferingKeys = NO_KEYS
    undecided: DifferingKeys = NO_KEYS
    nameless: int = 0

    def still(self, later: "FoundKeys") -> "FoundKeys":
        """Those of the ``later`` ones that were among these."""
        before = self.differing.together(self.undecided)
        return FoundKeys(before.still(later.differing), before.still(later.undecided), later.nameless)

    def __bool__(self) -> bool:
        """Whether rows differ."""
        return bool(self.differing or self.undecided or self.nameless)


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
    """The result for one tenant's rows of one read model.

    ``left_out`` are rows that differ and could not be judged, since those here may be of an earlier moment;
    ``nameless`` are those that differ and may, see `FoundKeys`.
    """

    place: TenantRows
    rows_here: int
    rows_there: int
    same: bool
    left_out: int = 0
    nameless: int = 0


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

    @property
    def left_out(self) -> int:
        """How many rows of customers differ and could not be judged: the active generation's were not up to date."""
        return sum(one.left_out for one in self.places)

    @property
    def nameless(self) -> int:
        """How many rows differ since the log does not give the name of an erased contact any more."""
        return sum(one.nameless for one in self.places)

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
            "left_out": self.left_out,
            "nameless": self.nameless,
        }


def places_of(
    read_model: str, here: Mapping[str, Digest], there: Mapping[str, Digest], found: Mapping[TenantRows, FoundKeys]
) -> list[ComparedPlace]:
    """The results of a read model; ``found`` are the keys that still differed in the last round."""
    return [
        ComparedPlace(
            place := TenantRows(read_model, tenant),
            here.get(tenant, EMPTY).rows,
            there.get(tenant, EMPTY).rows,
            same=not (keys := found.get(place, FoundKeys())).differing,
            left_out=len(keys.undecided.keys),
            nameless=keys.nameless,
        )
        for tenant in sorted(here.keys() | there.keys())
    ]


def differing_places(read_model: str, here: Mapping[str, Digest], there: Mapping[str, Digest]) -> Iterable[TenantRows]:
    """The places whose digests differ."""
    tenants = sorted(here.keys() | there.keys())
    return (TenantRows(read_model, one) for one in tenants if here.get(one, EMPTY) != there.get(one, EMPTY))


async def differing_keys(  # noqa: PLR0913 - one a reason not to count a key
    here: HashedRows,
    there: HashedRows,
    most: int = MOST_KEYS,
    *,
    pending: Container[Any] = (),
    naming: AbstractSet[UUID] = frozenset(),
    may_lack: bool = False,
) -> FoundKeys:
    """The keys whose hashes differ, or that only one side has. Both sides come in the order of their keys.

    Those whose second part, after the tenant, is one of the ids ``pending`` are undecided. ``most`` are remembered of
    either kind. ``naming`` are the contacts with events that name an erased one: their keys are counted alone. With
    ``may_lack`` those that only the first side has are none.
    """
    differing, undecided, nameless = _Keys(most), _Keys(most), 0
    async for key, only_here in _unequal(here, there):
        if only_here and may_lack:
            continue
        if not naming.isdisjoint(key):
            nameless += 1
            continue
        (undecided if key[1] in pending else differing).add(key)
        if not differing.complete:
            break
    return FoundKeys(differing.found, undecided.found, nameless)


class _Keys:
    """The first keys of their kind."""

    def __init__(self, most: int) -> None:
        self.complete = True
        self._most = most
        self._keys: list[Key] = []

    def add(self, key: Key) -> None:
        if len(self._keys) < self._most:
            self._keys.append(key)
        else:
            self.complete = False

    @property
    def found(self) -> DifferingKeys:
        return DifferingKeys(tuple(self._keys), self.complete)


async def _unequal(here: HashedRows, there: HashedRows) -> AsyncIterator[tuple[Key, bool]]:
    """The keys whose hashes differ, and whether only the first side has them."""
    one, other = await anext(here, None), await anext(there, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            key, only_here, one = _key(one), True, await anext(here, None)
        elif one is None or other[0] < one[0]:
            key, only_here, other = _key(other), False, await anext(there, None)
        else:
            same, only_here = one == other, False
            key, one, other = one[0], await anext(here, None), await anext(there, None)
            if same:
                continue
        yield key, only_here


def _key(row: tuple[Key, int] | None) -> Key:
    if row is None:
        raise ValueError("there is no row")
    return row[0]
