"""The core against its naive twin, on histories where everything meets everything."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.identity.resolution.gather import gather
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import resolve
from schemas.events import Event
from tests.support.examples import examples
from tests.support.histories import chances, dice, histories, patient, policies, random_history
from tests.support.resolution_twin import TwinOutcome, twin


def outcome(events: list[Event], policy: Policy) -> TwinOutcome:
    resolution = resolve(gather(events), policy)
    return TwinOutcome(
        [(one.founder, one.contacts, one.member_id) for one in resolution.customers],
        [(one.link.contact, one.link.type, one.link.value, one.link.tier, one.reason) for one in resolution.refused],
    )


@given(histories(), policies)
@settings(patient, max_examples=examples(150))
def test_core_and_twin_say_the_same_of_any_history(events: list[Event], policy: Policy) -> None:
    assert outcome(events, policy) == twin(events, policy)


@given(chances, st.integers(5, 60), policies)
@settings(dice, max_examples=examples(300))
def test_core_and_twin_say_the_same_of_long_histories(chance: Random, size: int, policy: Policy) -> None:
    events = random_history(chance, size)
    assert outcome(events, policy) == twin(events, policy)
