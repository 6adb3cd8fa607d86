"""The core against its naive twin, on histories where everything meets everything."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings

from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import evidence_in, resolve
from projections.identity.resolution.statements import log_of
from schemas.events import Event
from tests.support.examples import examples
from tests.support.histories import chances, dice
from tests.support.resolution_twin import TwinCustomer, TwinOutcome, twin
from tests.support.rule_histories import Settings, many_claims, random_policy, rule_history

_HISTORIES: Final = 400


def outcome(events: list[Event], policy: Settings) -> TwinOutcome:
    resolution = resolve(evidence_in(log_of(events)), Policy.from_json(policy))
    unseen = resolution.evidence.unseen
    return TwinOutcome(
        [
            TwinCustomer(
                one.founder, one.contacts, tuple(sorted(unseen & {*one.contacts})), one.member_id, one.member_ids
            )
            for one in resolution.customers
        ],
        [(*one.link.node, one.link.type, one.link.value, one.link.tier, str(one.reason)) for one in resolution.refused],
        {(one.contact, one.type, one.value, str(one.reason)) for one in resolution.set_aside},
    )


@given(chances)
@settings(dice, max_examples=examples(600))
def test_core_and_twin_agree_on_any_history_under_any_policy(chance: Random) -> None:
    events, policy = rule_history(chance, chance.randint(1, 40)), random_policy(chance)
    assert outcome(events, policy) == twin(events, policy)


@given(chances)
@settings(dice, max_examples=examples(10))
def test_core_and_twin_agree_on_more_claims_than_count(chance: Random) -> None:
    events, policy = many_claims(chance), random_policy(chance)
    assert outcome(events, policy) == twin(events, policy)


@pytest.mark.parametrize("reason", ["shared_device", "superseded", "generic", "shared"])
def test_random_histories_refuse_links_by_every_rule(reason: str) -> None:
    """Else the comparison with the twin would not compare that rule."""
    assert Counter(row[-1] for row in _refusals())[reason] > 15


def test_random_histories_have_conflicts_past_sessions_and_contacts_that_only_others_named() -> None:
    found = Counter(row[-1] for row in _refusals())
    assert found["exclusive_conflict"] > 30
    assert found["decided_different"] > 30
    assert sum(bool(session) for _, session, *_ in _refusals()) > 100
    assert sum(bool(customer.unseen) for one in _outcomes() for customer in one.customers) > 30


def _refusals() -> list[tuple[str, str, str, object, int, str]]:
    return [row for one in _outcomes() for row in one.refused]


@cache
def _outcomes() -> Sequence[TwinOutcome]:
    return [_outcome(seed) for seed in range(_HISTORIES)]


def _outcome(seed: int) -> TwinOutcome:
    chance = Random(seed)
    return outcome(rule_history(chance, chance.randint(1, 40)), random_policy(chance))
