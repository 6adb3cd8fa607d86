"""A customer's changes keep their order, others go on, and an endpoint is disabled with a reason."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.worker.core.webhook_turn import (
    EndpointHealth,
    Pending,
    RetryRules,
    Tried,
    decide_turn,
    message_id,
    split_page,
)

RULES = RetryRules()
START = datetime(2026, 3, 1, tzinfo=UTC)


def tried(customer: str, status: int, at: datetime = START, attempts: int = 0, position: int | None = None) -> Tried:
    since = START if attempts else None
    return Tried(Pending(customer, b"{}", attempts, since, position), at, status, None, 5)


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.binary(max_size=4))), st.sets(st.sampled_from("ABC")))
def test_a_page_is_sent_but_for_the_customers_that_wait_each_in_its_order(
    values: list[tuple[str, bytes]], waiting: set[str]
) -> None:
    runs, behind = split_page(values, waiting)
    for run in runs:
        assert [(one.customer, one.payload) for one in run] == [one for one in values if one[0] == run[0].customer]
    assert [(one.customer, one.payload) for one in behind] == [one for one in values if one[0] in waiting]
    assert sum(map(len, runs)) + len(behind) == len(values)


def test_a_change_that_was_not_taken_waits_before_those_behind_it() -> None:
    behind = [Pending("A", b"2"), Pending("A", b"3")]
    decision = decide_turn(RULES, EndpointHealth(), [tried("A", 500), tried("B", 204)], behind, START)
    assert [(one.customer, one.attempts) for one, _ in decision.queued] == [("A", 1), ("A", 0), ("A", 0)]
    assert [at - START for _, at in decision.queued] == [timedelta(seconds=5), timedelta(0), timedelta(0)]
    assert decision.health == EndpointHealth(succeeded_at=START)
    assert (decision.sent, decision.retried, decision.disabled_because) == ([], [], None)


def test_what_waited_is_sent_or_tried_again_later() -> None:
    turn = [tried("A", 200, attempts=3, position=7), tried("B", 503, attempts=3, position=8)]
    decision = decide_turn(RULES, EndpointHealth(), turn, [], START)
    assert decision.sent == [7]
    assert [(one.position, one.attempts, at - START) for one, at in decision.retried] == [(8, 4, timedelta(seconds=40))]


@given(st.integers(1, 10_000))
def test_waits_double_up_to_an_hour(attempts: int) -> None:
    assert RULES.wait(1) <= RULES.wait(attempts) <= RULES.wait(attempts + 1) <= timedelta(hours=1)


def test_an_endpoint_is_disabled_after_days_without_a_success_and_never_by_a_few_failures() -> None:
    late = START + timedelta(days=4)
    few = decide_turn(RULES, EndpointHealth(3, START), [tried("A", 500, late)], [], late)
    assert few.disabled_because is None
    many = decide_turn(RULES, EndpointHealth(20, START), [tried("A", 500, late)], [], late)
    assert many.disabled_because == "no message was taken in 21 attempts, the last time because of status 500"
    soon = decide_turn(RULES, EndpointHealth(20, START), [tried("A", 500)], [], START)
    assert soon.disabled_because is None


def test_an_endpoint_that_takes_others_is_disabled_for_one_message_that_it_never_takes() -> None:
    late = START + timedelta(days=4)
    turn = [tried("A", 400, late, attempts=80, position=1), tried("B", 200, late)]
    decision = decide_turn(RULES, EndpointHealth(), turn, [], late)
    assert decision.disabled_because == "one message was not taken in 81 attempts, the last time because of status 400"


def test_an_answer_of_410_disables_at_once_and_the_message_waits() -> None:
    decision = decide_turn(RULES, EndpointHealth(), [tried("A", 410)], [], START)
    assert decision.disabled_because == "the receiver answered 410: it wants no more"
    assert [one.customer for one, _ in decision.queued] == ["A"]


def test_each_part_of_a_change_has_an_id_that_stays() -> None:
    change = {"tenant": "demo", "type": "merged", "customer_id": "c", "seq": 3, "part": 1}
    assert message_id(change) == message_id(dict(reversed(change.items())))
    others = [change | {"part": 2}, change | {"seq": 4}, change | {"tenant": "other"}]
    assert len({message_id(one) for one in (change, *others)}) == 4
