"""Candidates as they are answered: the two customers, and each sign in words."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from projections.candidates.assembly import CONTACT, MEMBER_ID, contact_in
from projections.candidates.folds import Candidate, CustomerProfiles
from projections.candidates.profiles import ComparedProfile
from projections.candidates.scoring import (
    OTHER_BIRTHDAY,
    OTHER_NAME,
    SAME_ADDRESS,
    SAME_BIRTHDAY,
    SAME_NAME,
    SIMILAR_ADDRESS,
    SIMILAR_BIRTHDAY,
    SIMILAR_NAME,
    Sign,
)
from projections.identity.resolution.links import MEANINGS
from services.query.core.candidate_models import CandidatePair, CandidateSign, ComparedCustomer

_WORDS: Final[Mapping[tuple[str, float], str]] = {
    ("name", SAME_NAME): "both are called {one}",
    ("name", SIMILAR_NAME): "their names are similar: {one} and {other}",
    ("name", OTHER_NAME): "their names differ: {one} and {other}",
    ("birthday", SAME_BIRTHDAY): "both were born on {one}",
    ("birthday", SIMILAR_BIRTHDAY): "their birthdays differ in one place: {one} and {other}",
    ("birthday", OTHER_BIRTHDAY): "their birthdays differ: {one} and {other}",
    ("address", SAME_ADDRESS): "both have the address {one}",
    ("address", SIMILAR_ADDRESS): "their addresses are similar: {one} and {other}",
}
_BY_KIND: Final[Mapping[str, str]] = {
    "alias": "a website's alias names the member {one} of the one as a former id of the other",
    "local_part": "their e-mail addresses begin alike: {one}",
    "similar_phone": "their phone numbers differ in one digit: {one} and {other}",
    CONTACT: "both are bound to {one}",
}


def pair_view(candidate: Candidate, customers: CustomerProfiles, keys: Mapping[UUID, str]) -> CandidatePair:
    """The candidate with its customers; ``keys`` are of contacts by id."""
    one, other = candidate.pair
    return CandidatePair(
        a=ComparedCustomer(id=one, contact=keys.get(one), **_shown(customers.profiles[one])),
        b=ComparedCustomer(id=other, contact=keys.get(other), **_shown(customers.profiles[other])),
        score=round(candidate.score, 4),
        signs=[_sign_view(sign) for sign in candidate.signs],
    )


def _sign_view(sign: Sign) -> CandidateSign:
    reasons = sorted(sign.reasons)
    return CandidateSign(
        sign=sign.kind, weight=sign.weight, words=words_of(sign), values=_values_of(sign), reasons=reasons
    )


def _values_of(sign: Sign) -> list[str]:
    value: Callable[[str], str] = contact_in if sign.kind == CONTACT else str
    return [value(sign.one), value(sign.other)]


def words_of(sign: Sign) -> str:
    """The sign as a sentence, with why links were refused."""
    text = _WORDS.get((sign.kind, sign.weight)) or _BY_KIND.get(sign.kind) or f"both have the {sign.kind} {{one}}"
    one, other = _values_of(sign)
    words = text.format(one=one, other=other)
    reasons = "; ".join(MEANINGS.get(reason, reason) for reason in sorted(sign.reasons))
    return f"{words}, which joins nobody: {reasons}" if reasons else words


def _shown(profile: ComparedProfile) -> dict[str, list[str]]:
    holds = profile.identifiers
    return {
        "names": list(profile.written),
        "member_ids": [one for one in profile.values(MEMBER_ID) if not holds[MEMBER_ID, one].reasons],
    }
