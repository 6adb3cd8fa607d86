"""Times as they are asked for, and which events count at them."""

import pytest

from projections.as_of.cutoff import NO_CUTOFF, Cutoff
from projections.engine.times import NoTime, read_time
from tests.support.identity_events import T0, bound, erased

MIDNIGHT = 1_772_294_400_000  # 2026-03-01T00:00 in Taipei


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T00:00+08:00",
        "2026-03-01T00:00 08:00",  # a plus that was not percent-encoded
        "2026-03-01 00:00:00 08:00",
        "2026-03-01 00:00+08:00",
        "2026-02-28T16:00:00Z",
        "2026-02-28t16:00:00.000z",
        "2026-02-28T12:30-03:30",
        " 1772294400000 ",
    ],
)
def test_one_time_is_read_in_every_form(text: str) -> None:
    assert read_time(text) == MIDNIGHT


@pytest.mark.parametrize(
    "text",
    [
        "1772294400",
        "2026",
        "0",
        "-1772294400000",
        "1" * 16,
        "",
        "yesterday",
        "2026-03-01",
        "2026-03-01T00:00",
        "2026-13-01T00:00Z",
        "1" * 30,
        "0001-01-01T00:00+24:00",
    ],
)
def test_a_time_without_an_offset_and_what_is_no_time_are_refused(text: str) -> None:
    with pytest.raises(NoTime, match="offset from UTC"):
        read_time(text)


def test_times_are_exact_to_the_millisecond() -> None:
    assert read_time("2026-02-28T16:00:00.123999Z") == MIDNIGHT + 123
    assert read_time("1969-12-31T23:59:59.999Z") == -1


def test_an_event_counts_if_it_occurred_and_was_received_by_then() -> None:
    late = bound("web:shop:c1", member_id="M7", at=5).model_copy(update={"received_at": T0 + 9})
    assert NO_CUTOFF.includes(late)
    assert Cutoff(as_of=T0 + 5).includes(late)
    assert not Cutoff(as_of=T0 + 4).includes(late)
    assert not Cutoff(known_at=T0 + 8).includes(late)
    assert Cutoff(known_at=T0 + 9).includes(late)
    assert not Cutoff(as_of=T0 + 5, known_at=T0 + 8).includes(late)


def test_an_answer_holds_at_the_time_that_is_asked_for() -> None:
    assert NO_CUTOFF.moment(7) == 7
    assert Cutoff(known_at=3).moment(7) == 3
    assert Cutoff(as_of=2, known_at=3).moment(7) == 2
    assert Cutoff(as_of=0).moment(7) == 0
    assert Cutoff(as_of=0)
    assert not NO_CUTOFF


def test_an_erasure_counts_for_identity_at_every_time() -> None:
    assert Cutoff(as_of=T0).counts_for_identity(erased("web:shop:c1", at=5))
    assert not Cutoff(as_of=T0).includes(erased("web:shop:c1", at=5))
    assert not Cutoff(as_of=T0).counts_for_identity(bound("web:shop:c1", member_id="M7", at=5))
