from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from services.control.source_activity import (
    SourceCounts,
    SourceHour,
    SourceOrigin,
    activity_of,
    add_counts,
    prune_activity,
)

HOUR = datetime(2026, 3, 2, 10, tzinfo=UTC)
ORIGIN = SourceOrigin("acme", "oa", "line", "oa1")


def an_hour(back: int, origin: SourceOrigin = ORIGIN) -> SourceHour:
    return SourceHour(origin, HOUR - timedelta(hours=back))


async def test_counts_add_up_are_the_tenants_own_and_the_latest_hour_stays(engine: AsyncEngine) -> None:
    many = {an_hour(back): SourceCounts(requests=1, events=2, unproven=3, refused=4) for back in range(1500)}
    theirs = {an_hour(0, ORIGIN._replace(tenant="other")): SourceCounts(events=9)}
    await add_counts(engine, many | theirs)
    await add_counts(engine, {an_hour(0): SourceCounts(events=5, last_at=HOUR)})
    await add_counts(engine, {an_hour(0): SourceCounts(last_at=HOUR - timedelta(minutes=1))})
    await add_counts(engine, {})
    found = await activity_of(engine, "acme")
    assert found == many | {an_hour(0): SourceCounts(1, 7, 3, 4, HOUR)}
    assert await prune_activity(engine, HOUR - timedelta(hours=10)) == 1489
    assert sorted(await activity_of(engine, "acme")) == sorted(an_hour(back) for back in range(11))
    assert await prune_activity(engine, HOUR + timedelta(days=30)) == 10
    assert list(await activity_of(engine, "acme")) == [an_hour(0)]
    assert list((await activity_of(engine, "other")).values()) == [SourceCounts(events=9)]
