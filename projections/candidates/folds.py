"""All candidates of a set of customers, in memory: what the tables come to. Pure."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import combinations
from typing import NamedTuple
from uuid import UUID

from projections.candidates.keys import MOST_HOLDERS, keys_of
from projections.candidates.profiles import ComparedProfile
from projections.candidates.scoring import LEAST_SCORE, Sign, compare, score_of

CustomerPair = tuple[UUID, UUID]  # two customers, the lesser first


class CustomerProfiles(NamedTuple):
    """What is compared of customers, by id.

    ``settled`` are the pairs that need no proposal: staff decided on them, or one's member id was merged into the
    other's.
    """

    profiles: Mapping[UUID, ComparedProfile]
    settled: Collection[CustomerPair] = frozenset()


class Candidate(NamedTuple):
    """Two customers, how probably they are one person, and the signs."""

    pair: CustomerPair
    score: float
    signs: list[Sign]


def pair_of(one: UUID, other: UUID) -> CustomerPair:
    """The two, the lesser first."""
    return (one, other) if one < other else (other, one)


def candidate(customers: CustomerProfiles, pair: CustomerPair, least: float = LEAST_SCORE) -> Candidate | None:
    """The two as a candidate; None if either is not there, the pair is settled, or its score is less."""
    one, other = (customers.profiles.get(customer_id) for customer_id in pair)
    if one is None or other is None or pair in customers.settled:
        return None
    signs = compare(one, other)
    score = score_of(signs)
    return Candidate(pair, score, signs) if score >= least else None


def find_candidates(customers: CustomerProfiles) -> dict[CustomerPair, Candidate]:
    """All candidates among the customers."""
    holders: defaultdict[int, list[UUID]] = defaultdict(list)
    for customer_id, profile in customers.profiles.items():
        for key in keys_of(profile):
            holders[key].append(customer_id)
    few = (one for one in holders.values() if len(one) <= MOST_HOLDERS)
    pairs = {pair_of(*two) for together in few for two in combinations(together, 2)}
    found = ((pair, candidate(customers, pair)) for pair in pairs)
    return {pair: one for pair, one in found if one is not None}
