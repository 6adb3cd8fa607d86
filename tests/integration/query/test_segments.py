"""Segments over HTTP: what they are, what they were, how many customers they have, and searches by them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from projections.customers.search import costs, queries, time_limit
from projections.customers.search.conditions import Conditions
from projections.engine.connection import Connection
from schemas.codec import from_dict
from schemas.events import Event
from services.query.core.segment_models import SegmentDetail, SegmentHistory, SegmentPage, SegmentSizes
from services.runtime import metrics
from services.runtime.cancelling import cancel_all
from services.runtime.database import BY_KEY
from services.worker.background.segment_counter import SegmentCounter
from tests.support.contact_records import event
from tests.support.polling import until
from tests.support.read_api import NOW, Brand
from tests.support.searches import compose_all
from tests.support.strategies import BASE_MS, DAY_MS

VIP, LOUD = {"tag": "vip"}, {"last_customer": {"since": "-60d"}}


def saved(segment: str, at: int, asks: Any, tenant: str = "demo", **more: Any) -> Event:
    return from_dict(
        {
            "event_id": f"{segment}@{at}",
            "tenant": tenant,
            "type": "tenant.segment_saved",
            "occurred_at": BASE_MS + at,
            "received_at": BASE_MS + at,
            "source": "test",
            "data": {"segment": segment, "name": segment.upper(), "filter": asks, **more},
        }
    )


@pytest.fixture
async def segments(brand: Brand) -> Brand:
    await brand.fold(
        event("tag.added", 1, contact="line:oa1:U1", tag="vip"),
        event("tag.added", 2, contact="line:oa1:U2", tag="vip"),
        event("message.received", 3, contact="line:oa1:U2", text="hi", message_id="m1", kind="text"),
    )
    await brand.fold_contacts(
        saved("vip", 5, VIP, by="amy", names={"zh": "貴賓"}),
        saved("vip", 4, {"tag": "late"}, by="bob"),  # came late
        saved("loud-vip", 6, {"all": [{"segment": "vip"}, LOUD]}),
        saved("gone", 7, VIP),
        saved("gone", 8, None, deleted=True, by="bob"),
        saved("a", 9, {"not": {"segment": "b"}}),
        saved("b", 10, {"segment": "a"}),
        saved("broken", 11, {"tagg": "vip"}),
        saved("vip", 12, {"contacts": 0}, tenant="other"),
    )
    await compose_all(brand.connection)
    return brand


async def search(brand: Brand, wanted: Any, status: int = 200) -> Any:
    response = await brand.client.post(
        "/v1/customers/search", json={"filter": wanted}, headers={"Authorization": f"Bearer {brand.keys['demo']}"}
    )
    assert response.status_code == status, response.text
    return response.json()


async def test_a_search_that_takes_too_long_is_refused_and_not_unavailable(
    segments: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "_PLANNED", "SELECT set_config('statement_timeout', '1000', true)")
    monkeypatch.setattr(time_limit, "LONGEST_COUNT", 1)
    monkeypatch.setattr(Conditions, "of", lambda *_: sa.cast(sa.func.pg_sleep(60), sa.Text()) == "")
    everybody, headers = {"contacts": {"gte": 0}}, {"Authorization": f"Bearer {segments.keys['demo']}"}
    for path, more in (
        ("/v1/customers/search", {}),
        ("/v1/customers/facets", {"facets": ["tag"]}),
        ("/v1/bulk-actions/preview", {"action": {"do": "tag", "tag": "new"}}),
        ("/v1/exports/preview", {}),
    ):
        response = await segments.client.post(path, json={"filter": everybody, **more}, headers=headers)
        assert (response.status_code, response.json()["type"]) == (422, "/problems/search-too-dear"), response.text
        assert "statement_timeout" in response.json()["detail"]
    found = (await segments.get("/v1/segments/loud-vip")).json()
    assert found["total"] is None
    assert "statement_timeout" in found["segment"]["problem"]


async def test_segments_are_listed_as_they_were_saved_last(segments: Brand) -> None:
    page = await segments.json("/v1/segments")
    assert SegmentPage.model_validate(page).model_dump(mode="json") == page
    assert [one["segment"] for one in page["segments"]] == ["a", "b", "broken", "loud-vip", "vip"]
    broken, _, vip = page["segments"][2:]
    assert "'broken' can't be read: a condition is an object" in broken["problem"]
    assert vip == {
        "segment": "vip",
        "name": "VIP",
        "names": {"zh": "貴賓"},
        "filter": VIP,
        "by": "amy",
        "saved_at": BASE_MS + 5,
        "event_id": "vip@5",
        "problem": None,
    }
    first = await segments.json("/v1/segments", limit=3)
    assert first["next"] == "broken"
    rest = await segments.json("/v1/segments", limit=3, cursor="broken")
    assert ([one["segment"] for one in rest["segments"]], rest["next"]) == (["loud-vip", "vip"], None)
    (others,) = (await segments.json("/v1/segments", key="other"))["segments"]
    assert others["filter"] == {"contacts": 0}


async def test_a_segment_says_how_many_customers_it_has_now_or_why_it_cannot(segments: Brand) -> None:
    found = await segments.json("/v1/segments/loud-vip", total="exact")
    assert SegmentDetail.model_validate(found).model_dump(mode="json") == found
    assert (found["total"], found["as_of"]["asked_at"]) == ({"count": 1, "relation": "exact"}, NOW)
    cycle = await segments.json("/v1/segments/a")
    assert (cycle["total"], cycle["segment"]["problem"]) == (None, "the segment 'a' contains itself: a > b > a")
    assert (await segments.json("/v1/segments/broken"))["total"] is None
    for absent, key in (("gone", "demo"), ("never", "demo"), ("loud-vip", "other")):
        assert (await segments.get(f"/v1/segments/{absent}", key=key)).status_code == 404


async def test_the_history_of_a_segment_has_what_was_saved_and_deleted(segments: Brand) -> None:
    first = await segments.json("/v1/segments/vip/history", limit=1)
    assert SegmentHistory.model_validate(first).model_dump(mode="json") == first
    rest = await segments.json("/v1/segments/vip/history", limit=1, cursor=first["next"])
    assert [one["by"] for one in (*first["versions"], *rest["versions"])] == ["amy", "bob"]
    assert rest["next"] is None
    deleted, _ = (await segments.json("/v1/segments/gone/history"))["versions"]
    assert (deleted["deleted"], deleted["by"], deleted["problem"]) == (True, "bob", None)
    assert (await segments.get("/v1/segments/gone/history", key="other")).status_code == 404
    assert (await segments.get("/v1/segments/vip/history", cursor="x")).status_code == 400


async def test_a_search_opens_its_segments_and_refuses_those_that_it_cannot_by_name(segments: Brand) -> None:
    assert (await search(segments, {"segment": "vip"}))["total"]["count"] == 2
    assert (await search(segments, {"all": [{"segment": "vip"}, {"not": {"segment": "loud-vip"}}]}))["total"][
        "count"
    ] == 1
    for name, why in (
        ("gone", "there is no segment 'gone'"),
        ("never", "there is no segment 'never'"),
        ("b", "the segment 'b' contains itself: b > a > b"),
        ("broken", "the segment 'broken' can't be read"),
    ):
        problem = await search(segments, {"any": [VIP, {"segment": name}]}, 422)
        assert (problem["type"], problem["field"]) == ("/problems/unsearchable", "filter")
        assert problem["detail"].startswith(why)


async def test_a_match_opens_segments_to_their_conditions(segments: Brand) -> None:
    response = await segments.client.post(
        "/v1/customers/contact:line:oa1:U1/match",
        json={"filter": {"segment": "loud-vip"}},
        headers={"Authorization": f"Bearer {segments.keys['demo']}"},
    )
    assert response.status_code == 200, response.text
    outer = response.json()["match"]
    assert (outer["condition"], outer["asked"], outer["holds"]) == ("segment", {"segment": "loud-vip"}, False)
    inner, loud = outer["parts"][0]["parts"]
    assert (inner["asked"], inner["holds"], inner["parts"][0]["seen"][0]["value"]) == ({"segment": "vip"}, True, 1)
    assert (loud["condition"], loud["holds"]) == ("last_customer", False)


async def test_each_segment_is_counted_once_a_day(segments: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    connection, today = segments.connection, [NOW]
    counter = SegmentCounter(lambda: pytest.fail("not by itself"), "TW", rest=0, clock=lambda: today[0])
    assert await counter.count_all(connection) == 5  # another tenant's customers have no rows yet
    assert await counter.count_all(connection) == 0
    today[0] += DAY_MS
    with monkeypatch.context() as cheap:
        cheap.setattr(costs, "MOST", 0)
        assert await counter.count_all(connection) == 5
    await segments.fold_contacts(saved("loud-vip", 13, None, deleted=True))
    today[0] += DAY_MS
    assert await counter.count_all(connection) == 4
    span = _days(NOW, today[0])
    found = await segments.json("/v1/segments/loud-vip/sizes", **span)
    assert SegmentSizes.model_validate(found).model_dump(mode="json") == found
    first, second = found["sizes"]
    assert (first["customers"], first["problem"], first["counted_at"]) == (1, None, NOW)
    assert second["customers"] is None
    assert second["problem"].startswith("This filter would look at up to 2 customers")
    assert [one["customers"] for one in (await segments.json("/v1/segments/vip/sizes", **span))["sizes"]] == [
        2,
        None,
        2,
    ]
    (cycle, *_) = (await segments.json("/v1/segments/a/sizes", **span))["sizes"]
    assert cycle["problem"] == "the segment 'a' contains itself: a > b > a"
    assert (await segments.json("/v1/segments/vip/sizes", **_days(NOW, NOW)))["sizes"][0]["counted_at"] == NOW
    assert (await segments.get("/v1/segments/loud-vip/sizes", key="other")).status_code == 404


async def test_the_loops_of_two_workers_count_each_segment_once(segments: Brand) -> None:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(segments.url, server_settings=BY_KEY | {"search_path": "g1"})
        try:
            yield connection
        finally:
            connection.terminate()

    def counted() -> float:
        (family,) = metrics.SEGMENT_SECONDS.collect()
        return next(one.value for one in family.samples if one.name.endswith("_count"))

    async def done() -> bool:
        return counted() - before >= 5

    before = counted()
    workers = [SegmentCounter(connect, "TW", every=0.05, rest=0, clock=lambda: NOW) for _ in range(2)]
    running = [asyncio.create_task(one.run()) for one in workers]
    try:
        await until(done, 240, lambda: f"{counted() - before} segments were counted")
    finally:
        await cancel_all(*running)
    assert counted() - before == 5
    sizes = await segments.json("/v1/segments/vip/sizes", **_days(NOW, NOW))
    assert [one["customers"] for one in sizes["sizes"]] == [2]


def _days(first: int, last: int) -> dict[str, str]:
    return {
        name: datetime.fromtimestamp(at / 1000, UTC).date().isoformat() for name, at in (("from", first), ("to", last))
    }
