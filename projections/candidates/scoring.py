"""Compares two customers: the signs that they are one person, and a score from 0 to 1. Pure.

Each sign has a weight, about the logarithm of how much likelier it is of one person than of two: +5 is about 150 times.
The score is the logistic function of the weights' sum and of what speaks against any two customers at the outset
(``AT_OUTSET``): 1 / (1 + exp(-sum)). So 0.5 is where the signs weigh as much as the outset does.
"""

import math
from collections.abc import Iterator
from itertools import product
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA, Hamming, JaroWinkler
from rapidfuzz.fuzz import token_sort_ratio

from projections.candidates.keys import local_parts
from projections.candidates.profiles import ALIAS, ComparedProfile, Hold

AT_OUTSET: Final = -9.0
DEFAULT_SCORE: Final = 0.5
LEAST_SCORE: Final = 0.2  # below, a pair is not kept

SAME_NAME: Final = 6.0
SIMILAR_NAME: Final = 4.0
OTHER_NAME: Final = -3.0
SAME_BIRTHDAY: Final = 5.0
SIMILAR_BIRTHDAY: Final = 3.0
OTHER_BIRTHDAY: Final = -4.0
SAME_ADDRESS: Final = 5.0
SIMILAR_ADDRESS: Final = 4.0
SAME_LOCAL_PART: Final = 4.0
SIMILAR_PHONE: Final = 4.0
MEMBERS_ALIAS: Final = 12.0  # listed, also where the names differ
# Of a shared identifier, by the weaker of the two ties: up to tier 2, tier 3, and weaker. A former phone or e-mail is
# worth no more than a claim, since numbers are given to others. A browser that many used, and a value that too many
# hold, say little.
BY_TIER: Final = (10.0, 10.0, 10.0, 9.0)
BY_CLAIM: Final = 6.0
SAYS_LITTLE: Final = 1.0
_LITTLE: Final = frozenset({"generic", "shared_device"})
_MEMBER_ID: Final = "member_id"
_PASSED_ON: Final = frozenset({"phone", "email"})

_SIMILAR_NAMES: Final = 0.9
_OTHER_NAMES: Final = 0.75
_SIMILAR_ADDRESSES: Final = 85.0
_DIGITS: Final = 8  # a shorter number is no person's


class Sign(NamedTuple):
    """One sign for or against: what it is, its weight, and the two values that it is about."""

    kind: str
    weight: float
    one: str
    other: str
    reasons: frozenset[str] = frozenset()


def score_of(signs: list[Sign]) -> float:
    """The score of these signs, from 0 to 1."""
    return 1 / (1 + math.exp(-AT_OUTSET - math.fsum(sign.weight for sign in signs)))


def compare(one: ComparedProfile, other: ComparedProfile) -> list[Sign]:
    """The signs for and against, the weightiest first."""
    found = [*_shared(one, other), *_names(one, other), *_birthdays(one, other), *_addresses(one, other)]
    found += [*_local_parts(one, other), *_phones(one, other), *_aliases(one, other)]
    return sorted(found, key=lambda sign: (-sign.weight, sign.kind, sign.one, sign.other))


def _shared(one: ComparedProfile, other: ComparedProfile) -> Iterator[Sign]:
    """Of each type the weightiest shared identifier."""
    best: dict[str, Sign] = {}
    for type_name, value in sorted(one.identifiers.keys() & other.identifiers.keys()):
        if type_name == ALIAS:  # of a third member
            continue
        holds = one.identifiers[type_name, value], other.identifiers[type_name, value]
        sign = Sign(type_name, _weight(type_name, *holds), value, value, holds[0].reasons | holds[1].reasons)
        if type_name not in best or sign.weight > best[type_name].weight:
            best[type_name] = sign
    yield from best.values()


def _weight(type_name: str, one: Hold, other: Hold) -> float:
    reasons = one.reasons | other.reasons
    if reasons & _LITTLE:
        return SAYS_LITTLE
    tier = max(one.tier, other.tier)
    former = type_name in _PASSED_ON and "superseded" in reasons
    return BY_CLAIM if former or tier >= len(BY_TIER) else BY_TIER[tier]


def _names(one: ComparedProfile, other: ComparedProfile) -> Iterator[Sign]:
    if same := _common(one.names, other.names):
        yield Sign("name", SAME_NAME, same, same)
        return
    pairs = product(one.names, other.names)
    likeness, first, second = max(((JaroWinkler.similarity(*pair), *pair) for pair in pairs), default=(1.0, "", ""))
    if first and likeness >= _SIMILAR_NAMES:
        yield Sign("name", SIMILAR_NAME, first, second)
    elif likeness < _OTHER_NAMES:
        yield Sign("name", OTHER_NAME, first, second)


def _birthdays(one: ComparedProfile, other: ComparedProfile) -> Iterator[Sign]:
    if same := _common(one.birthdays, other.birthdays):
        yield Sign("birthday", SAME_BIRTHDAY, same, same)
        return
    pairs = product(one.birthdays, other.birthdays)
    distance, first, second = min(((OSA.distance(*pair), *pair) for pair in pairs), default=(0, "", ""))
    if first:
        yield Sign("birthday", SIMILAR_BIRTHDAY if distance == 1 else OTHER_BIRTHDAY, first, second)


def _addresses(one: ComparedProfile, other: ComparedProfile) -> Iterator[Sign]:
    if same := _common(one.addresses, other.addresses):
        yield Sign("address", SAME_ADDRESS, same, same)
        return
    pairs = product(one.addresses, other.addresses)
    likeness, first, second = max(((token_sort_ratio(*pair), *pair) for pair in pairs), default=(0.0, "", ""))
    if likeness >= _SIMILAR_ADDRESSES:
        yield Sign("address", SIMILAR_ADDRESS, first, second)


def _local_parts(one: ComparedProfile, other: ComparedProfile) -> Iterator[Sign]:
    shared = {value for type_name, value in one.identifiers.keys() & other.identifiers.keys() if type_name == "email"}
    if not shared and (same := _common(tuple(local_parts(one)), tuple(local_parts(other)))):
        yield Sign("local_part", SAME_LOCAL_PART, same, same)


def _phones(one: ComparedProfile, other: ComparedProfile) -> Iterator[Sign]:
    phones = one.values("phone"), other.values("phone")
    if _common(*map(tuple, phones)):
        return
    for first, second in product(*phones):
        if len(first) == len(second) > _DIGITS and Hamming.distance(first, second) == 1:
            yield Sign("similar_phone", SIMILAR_PHONE, first, second)
            return


def _aliases(one: ComparedProfile, other: ComparedProfile) -> Iterator[Sign]:
    """That a website's alias named the one's member id as a former one of the other."""
    for named, held in ((one, other), (other, one)):
        members = {value for type_name, value in held.identifiers if type_name == _MEMBER_ID}
        former = {value for type_name, value in named.identifiers if type_name == ALIAS}
        if found := min(members & former, default=None):
            yield Sign(ALIAS, MEMBERS_ALIAS, found, found)
            return


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> str | None:
    return min(set(one).intersection(other), default=None)
