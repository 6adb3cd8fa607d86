from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from services.control.source_activity import SourceCounts, SourceHour, SourceOrigin
from services.ingress.handlers.source_activity import MOST_OF_A_TENANT, SourceActivity
from services.ingress.ports import Record
from tests.support.contact_records import event

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
HOUR = datetime(2026, 3, 2, 10, tzinfo=UTC)
REQUESTS = SourceOrigin("acme", "oa", "line", "")
EVENT = event("contact.blocked")
ACCOUNT = SourceOrigin("acme", "oa", "line", "oa1")


class Saved:
    """Adds counts up, as the database does; while it is ``away``, it takes none."""

    def __init__(self) -> None:
        self.rows: dict[SourceHour, SourceCounts] = {}
        self.away = False
        self.now = NOW

    async def save(self, counts: Mapping[SourceHour, SourceCounts]) -> None:
        if self.away:
            raise OSError
        for hour, found in counts.items():
            self.rows[hour] = self.rows.get(hour, SourceCounts()) + found

    async def prune(self) -> None:
        return None


def activity_saved_in(saved: Saved) -> SourceActivity:
    return SourceActivity(saved.save, saved.prune, lambda: saved.now)


async def test_requests_and_events_add_up_by_hour() -> None:
    saved = Saved()
    activity = activity_saved_in(saved)
    activity.acknowledged(
        [Record(b"k", b"v", EVENT, ACCOUNT), Record(b"k", b"v", EVENT, ACCOUNT), Record(b"k", b"v", EVENT)]
    )
    activity.accepted(REQUESTS)
    activity.unproven(REQUESTS)
    await activity.flush()
    activity.refused(REQUESTS)
    activity.acknowledged([Record(b"k", b"v", EVENT, ACCOUNT)])
    saved.now += timedelta(hours=1)
    activity.accepted(REQUESTS)
    await activity.flush()
    assert saved.rows == {
        SourceHour(ACCOUNT, HOUR): SourceCounts(events=3, last_at=NOW),
        SourceHour(REQUESTS, HOUR): SourceCounts(requests=1, unproven=1, refused=1, last_at=NOW),
        SourceHour(REQUESTS, HOUR + timedelta(hours=1)): SourceCounts(requests=1, last_at=NOW + timedelta(hours=1)),
    }


async def test_what_could_not_be_saved_is_saved_later_once() -> None:
    saved = Saved()
    activity = activity_saved_in(saved)
    activity.accepted(REQUESTS)
    saved.away = True
    await activity.flush()
    activity.accepted(REQUESTS)
    saved.away = False
    await activity.flush()
    await activity.flush()
    assert saved.rows == {SourceHour(REQUESTS, HOUR): SourceCounts(requests=2, last_at=NOW)}


async def test_a_tenant_that_names_very_many_accounts_gets_a_bounded_number_of_rows() -> None:
    saved = Saved()
    activity = activity_saved_in(saved)
    most = 2 * MOST_OF_A_TENANT
    activity.acknowledged([Record(b"k", b"v", EVENT, ACCOUNT._replace(account=str(one))) for one in range(most)])
    activity.acknowledged([Record(b"k", b"v", EVENT, ACCOUNT._replace(tenant="other"))])
    await activity.flush()
    assert len(saved.rows) <= MOST_OF_A_TENANT + 2
    assert sum(counts.events for counts in saved.rows.values()) == most + 1
    assert SourceHour(ACCOUNT._replace(tenant="other"), HOUR) in saved.rows
