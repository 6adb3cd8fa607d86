"""What a contact adds to the counters of valid contacts, by day."""

from typing import Any

from projections.contacts.valid_days import MS_OF_DAY, DayCounts, counts_of, valid_periods
from projections.quota.folds import difference
from schemas.events import Event
from schemas.events.subscription import MARKETING_KINDS
from tests.support.contact_records import event, record_of
from tests.support.strategies import BASE_MS

DAY = MS_OF_DAY
FIRST = BASE_MS // DAY
EVERY_KIND = {"kinds": sorted(MARKETING_KINDS)}


def periods(*events: Event) -> list[tuple[int, int | None]]:
    found = valid_periods(record_of(*events).contact)
    return [(began - BASE_MS, None if ended is None else ended - BASE_MS) for began, ended in found]


def follow(at: int = 0) -> Event:
    return event("contact.followed", at)


def opt(way: str, at: int, **data: Any) -> Event:
    return event(f"marketing.opted_{way}", at, **(data or EVERY_KIND))


def test_a_contact_is_valid_from_its_subscription_until_it_blocks() -> None:
    assert periods(follow(5)) == [(5, None)]
    assert periods(follow(5), event("contact.blocked", 9), follow(12)) == [(5, 9), (12, None)]
    assert periods(event("message.received", 5, message_id="m", kind="text")) == []


def test_opting_out_of_all_kinds_ends_it_and_of_some_does_not() -> None:
    assert periods(follow(5), opt("out", 8, kinds=["broadcast", "web_push"])) == [(5, None)]
    assert periods(follow(5), opt("out", 8)) == [(5, 8)]
    assert periods(follow(5), opt("out", 8), opt("in", 9, kinds=["broadcast"])) == [(5, None)]
    assert periods(follow(5), opt("out", 8), event("contact.blocked", 9), follow(12)) == [(5, 8)]
    assert periods(opt("out", 2), follow(5)) == []


def test_the_denial_decides_where_two_consents_are_of_one_time() -> None:
    assert periods(follow(5), opt("out", 8), opt("in", 8)) == [(5, 8)]


def test_supersession_ends_it_and_an_erasure_leaves_none_of_it() -> None:
    other = {"channel": "line", "account": "oa1", "uid": "U2"}
    assert periods(follow(5), event("contact.erased", 7, request_id="r"), follow(9)) == [(9, None)]
    assert periods(follow(5), event("contact.superseded", 7, by=other)) == [(5, 7)]
    assert periods(follow(5), event("contact.superseded", 7, by=other), opt("out", 6)) == [(5, 6)]


def test_the_periods_are_counted_on_their_days() -> None:
    row = record_of(follow(), event("contact.blocked", DAY), follow(2 * DAY)).contact
    key = ("demo", "line", "oa1")
    assert counts_of(row) == {
        (*key, FIRST): DayCounts(began=1),
        (*key, FIRST + 1): DayCounts(ended=1),
        (*key, FIRST + 2): DayCounts(valid=1, began=1),
    }
    before = record_of(follow()).contact
    assert difference(before, row) == {
        (*key, FIRST): DayCounts(valid=-1),
        (*key, FIRST + 1): DayCounts(ended=1),
        (*key, FIRST + 2): DayCounts(valid=1, began=1),
    }
    assert difference(row, row._replace(last_team_at=7)) == {}


def test_the_column_of_the_contact_says_the_same() -> None:
    for events in ([follow(5)], [follow(5), opt("out", 8)], [event("contact.erased", 3, request_id="r"), follow(5)]):
        row = record_of(*events).contact
        valid = [began for began, ended in valid_periods(row) if ended is None]
        assert valid == ([] if row.valid_since is None else [row.valid_since])
