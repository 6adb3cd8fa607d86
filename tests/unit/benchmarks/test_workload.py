"""The benchmark's records are sound, repeatable, and of the mix that they promise."""

from collections import Counter

import pytest

from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import evidence_in, resolve
from projections.identity.resolution.statements import log_of
from schemas.codec import decode
from schemas.events import EVENT_TYPES, Event
from schemas.topics import event_key
from tests.support.workload import workload

N = 20_000
SAID = {"message.received", "bot.interacted", "web.tracked"}


@pytest.fixture(scope="module", name="events")
def fixture_events() -> list[Event]:
    return [decode(value) for _, value in workload(N, 2_000, 3)]


def test_equal_arguments_give_equal_bytes_and_others_do_not() -> None:
    first = list(workload(2_000, 300, 3))
    assert list(workload(2_000, 300, 3)) == first
    assert list(workload(2_000, 300, 4)) != first


def test_every_record_is_a_known_event_under_its_contacts_key() -> None:
    for key, value in workload(5_000, 500, 1):
        event = decode(value)
        assert event.type in EVENT_TYPES
        assert event.contact is not None
        assert key == event_key(event.tenant, event.contact.key)


def test_the_mix_is_the_promised_one(events: list[Event]) -> None:
    assert len(events) == N
    types = Counter(event.type for event in events)
    assert sum(types[name] for name in SAID) / N == pytest.approx(0.60, abs=0.02)
    assert types["team.message_sent"] / N == pytest.approx(0.15, abs=0.02)
    assert (types["tag.added"] + types["tag.removed"]) / N == pytest.approx(0.10, abs=0.02)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_so_many_events_carry_evidence(share: float) -> None:
    events = [decode(value) for _, value in workload(N, 2_000, 3, share)]
    carrying = sum(bool(event.intrinsic) or event.type.startswith("identity.") for event in events)
    assert carrying / N == pytest.approx(share, abs=0.02)


def test_logins_make_contacts_of_several_channels_one_person(events: list[Event]) -> None:
    customers = resolve(evidence_in(log_of(events)), Policy()).customers
    joined = [one for one in customers if len(one.contacts) > 1]
    assert len(joined) > 20
    assert max(len(one.contacts) for one in joined) < 10


def test_a_few_are_late_and_a_few_are_repeated(events: list[Event]) -> None:
    late = sum(event.received_at - event.occurred_at > 60_000 for event in events)
    repeated = N - len({event.event_id for event in events})
    assert late / N == pytest.approx(0.01, abs=0.004)
    assert repeated / N == pytest.approx(0.005, abs=0.003)


def test_a_contacts_own_events_come_in_order_but_for_those(events: list[Event]) -> None:
    last: dict[str, int] = {}
    backwards = 0
    for event in events:
        assert event.contact is not None
        backwards += event.occurred_at < last.get(event.contact.key, 0)
        last[event.contact.key] = event.occurred_at
    assert backwards / N < 0.03
