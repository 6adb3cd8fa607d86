"""Timelines: page by page, newest first, each event once."""

from typing import Any

import pytest

from projections.timeline import queries
from schemas.events import Event
from services.query.core.models import TimelinePage
from tests.support.contact_records import event
from tests.support.plans import PLAN_CACHE_MODES, plan_nodes
from tests.support.read_api import Brand, id_of, keys_of
from tests.support.strategies import BASE_MS

PATH = "/v1/contacts/line/oa1/U1/timeline"


def messages(count: int, *, each: int = 1, text: str = "hi") -> list[Event]:
    """So many messages, ``each`` of them at the same time."""
    return [event("message.received", i // each, event_id=f"e{i:05d}", text=text) for i in range(count)]


async def pages(brand: Brand, path: str = PATH, **params: Any) -> list[Any]:
    """Every page, from the newest on."""
    read = [await brand.json(path, **params)]
    while read[-1]["next"]:
        read.append(await brand.json(path, **params, cursor=read[-1]["next"]))
    return read


@pytest.mark.parametrize("limit", [1, 3, 7, 20, 21])
async def test_pages_of_any_size_hold_the_same_events(brand: Brand, limit: int) -> None:
    await brand.fold_contacts(*messages(20, each=3))
    read = await pages(brand, limit=limit)
    assert keys_of(read) == [f"e{i:05d}" for i in reversed(range(20))]
    assert len(read) == -(-20 // limit)


async def test_an_event_is_shown_as_it_was(brand: Brand) -> None:
    properties = {"深": {"a": [1, 2.5, None, True, "\U0001f389"]}, "big": 2**63 - 1}
    await brand.fold_contacts(event("web.tracked", 5, contact="line:oa1:U1", event="view", properties=properties))
    page = await brand.json(PATH)
    assert page == {
        "events": [
            {
                "event_id": "web.tracked@5",
                "type": "web.tracked",
                "contact": "line:oa1:U1",
                "occurred_at": BASE_MS + 5,
                "received_at": BASE_MS + 5,
                "source": "test",
                "data": {"event": "view", "properties": properties},
            }
        ],
        "next": None,
        "previous": None,
    }
    assert TimelinePage.model_validate(page).model_dump(mode="json") == page


async def test_a_page_holds_fifty_unless_told_otherwise(brand: Brand) -> None:
    await brand.fold_contacts(*messages(60))
    assert [len(page["events"]) for page in await pages(brand)] == [50, 10]


async def test_only_events_of_the_types_asked_for(brand: Brand) -> None:
    tags = [event("tag.added", i, tag="a") for i in range(5, 50, 10)]
    await brand.fold_contacts(*messages(50), *tags, event("contact.followed", 60))
    of_two: dict[str, Any] = {"type": ["tag.added", "contact.followed"], "limit": 2}
    assert keys_of(await pages(brand, **of_two)) == ["contact.followed@60", *(one.event_id for one in reversed(tags))]
    assert await brand.json(PATH, type="line.beacon") == {"events": [], "next": None, "previous": None}


async def test_events_that_arrive_between_pages_neither_repeat_nor_hide_one(brand: Brand) -> None:
    await brand.fold_contacts(*messages(6))
    first = await brand.json(PATH, limit=3)
    await brand.fold_contacts(event("contact.followed", 100), event("contact.blocked", 4, event_id="late"))
    rest = await brand.json(PATH, cursor=first["next"])
    assert keys_of([first, rest]) == ["e00005", "e00004", "e00003", "e00002", "e00001", "e00000"]


@pytest.mark.parametrize("page_bytes", [2500])
async def test_a_page_of_large_events_is_short(brand: Brand) -> None:
    await brand.fold_contacts(
        *messages(5, text="長" * 300), event("message.received", 9, event_id="huge", text="x" * 5000)
    )
    read = await pages(brand)
    assert [len(page["events"]) for page in read] == [1, 3, 2]
    assert keys_of(read) == ["huge", "e00004", "e00003", "e00002", "e00001", "e00000"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 40])
async def test_from_any_event_the_pages_lead_to_all_older_and_newer_ones(brand: Brand, limit: int) -> None:
    await brand.fold_contacts(*messages(20, each=3))
    every = [f"e{i:05d}" for i in reversed(range(20))]
    for event_id in (every[0], every[9], every[19]):
        middle = await brand.json(PATH, around=event_id, limit=limit)
        newer, older = await on_from(brand, middle, "previous"), await on_from(brand, middle, "next")
        assert keys_of([*newer[::-1], middle, *older]) == every
        assert len(middle["events"]) <= limit
        assert event_id in keys_of([middle])


async def on_from(brand: Brand, page: Any, direction: str) -> list[Any]:
    """The pages after this one, as its cursors of one direction lead on."""
    read = []
    while page[direction]:
        page = await brand.json(PATH, cursor=page[direction], limit=3)
        read.append(page)
    return read


async def test_the_page_before_the_next_one_is_the_page_itself(brand: Brand) -> None:
    await brand.fold_contacts(*messages(9))
    first = await brand.json(PATH, limit=3)
    second = await brand.json(PATH, limit=3, cursor=first["next"])
    assert first["previous"] is None
    assert await brand.json(PATH, limit=3, cursor=second["previous"]) == first


async def test_both_directions_have_only_the_types_asked_for(brand: Brand) -> None:
    tags = [event("tag.added", i, tag="a") for i in range(5, 50, 10)]
    await brand.fold_contacts(*messages(50), *tags)
    page = await brand.json(PATH, around="e00020", type="tag.added", limit=2)
    assert keys_of([page]) == ["tag.added@25", "tag.added@15"]
    newer = await brand.json(PATH, cursor=page["previous"], type="tag.added")
    older = await brand.json(PATH, cursor=page["next"], type="tag.added")
    assert (keys_of([newer]), keys_of([older])) == (["tag.added@45", "tag.added@35"], ["tag.added@5"])


@pytest.mark.parametrize("page_bytes", [5000])
async def test_a_page_around_an_event_is_as_short_as_any(brand: Brand) -> None:
    await brand.fold_contacts(*messages(9, text="長" * 300))
    page = await brand.json(PATH, around="e00004")
    assert keys_of([page]) == ["e00007", "e00006", "e00005", "e00004", "e00003", "e00002"]
    assert page["next"]
    assert page["previous"]


@pytest.mark.parametrize("path", [PATH, "/v1/customers/contact:line:oa1:U1/timeline"])
async def test_an_event_is_found_in_its_own_timeline_alone(brand: Brand, path: str) -> None:
    await brand.fold_contacts(
        event("contact.followed", 1, event_id="own"),
        event("contact.followed", 2, contact="line:oa1:U2", event_id="another contact's"),
    )
    theirs = event("contact.followed", 3, event_id="another tenant's").model_copy(update={"tenant": "other"})
    await brand.fold_contacts(theirs)
    assert keys_of([await brand.json(path, around="own")]) == ["own"]
    refused = [await brand.get(path, around=one) for one in ("another contact's", "another tenant's", "none")]
    assert {(one.status_code, one.json()["detail"]) for one in refused} == {
        (404, "There is no such event in this timeline.")
    }
    assert (await brand.get(path, around="own", as_of=BASE_MS)).status_code == 404
    assert (await brand.get(path, around="own", cursor="x")).status_code == 422


async def test_an_event_with_one_id_on_two_contacts_is_shown_for_both(brand: Brand) -> None:
    contacts = [f"line:oa1:U{i}" for i in range(4)]
    await brand.fold_contacts(*(event("message.received", 1, contact=one, event_id="same") for one in contacts))
    ids = [id_of(one) for one in contacts]
    seen, after = [], queries.NEWEST
    connection = brand.connection
    while page := await queries.page(connection, "demo", ids, after=after, limit=3, most_bytes=1000):
        seen += [one.contact_id for one in page]
        after = page[-1].position
    assert sorted(seen) == sorted(ids)


async def test_the_index_serves_a_long_timeline(brand: Brand) -> None:
    """100,000 events, half of them one contact's: a page reads a handful of them, wherever it begins."""
    await brand.fold_contacts(event("contact.followed"))
    await brand.connection.execute(
        "INSERT INTO timeline SELECT 'demo', CASE WHEN i % 2 = 0 THEN $1 ELSE gen_random_uuid() END, 'e' || i,"
        " $2::bigint + i / 4, $2, 'message.received', 'test', json_build_object('message_id', 'm' || i), '[]', NULL"
        " FROM generate_series(1, 100000) i",
        id_of("line:oa1:U1"),
        BASE_MS,
    )
    await brand.connection.execute("ANALYZE")
    middle = queries.TimelinePosition(BASE_MS + 10_000, "e5", id_of("line:oa1:U1"))
    for mode in PLAN_CACHE_MODES:
        await brand.connection.execute(f"SET plan_cache_mode = {mode}")
        for after, newer in ((queries.NEWEST, False), (middle, False), (middle, True)):
            position = f"{after.occurred_at}, '{after.event_id}', '{after.contact_id}'"
            own, other = (f"ARRAY['{id_of(one)}']::uuid[]" for one in ("line:oa1:U1", "line:oa1:U2"))
            arguments = f"'demo', {own}, {position}, NULL, 50, 1000000, {own}, {other}"
            nodes = await plan_nodes(brand.connection, queries._PAGE[newer], arguments)
            scans = [node for node in nodes if node.get("Relation Name") == "timeline"]
            assert {scan["Index Name"] for scan in scans} == {"timeline_newest", "timeline_messages"}
            assert all(scan["Actual Rows"] < 100 for scan in scans)
