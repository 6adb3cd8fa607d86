"""Searching customers, and why one is found or not."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from projections.customers.search import costs
from services.query.core.search_models import MatchAnswer, SearchPage
from services.query.handlers import search as handler
from tests.support.contact_records import event
from tests.support.quota import quota
from tests.support.read_api import NOW, Brand, id_of
from tests.support.searches import compose_all
from tests.support.searching import post, search
from tests.support.strategies import BASE_MS

WEB, LINE, WHATSAPP = "web:shop:c1", "line:oa1:U1", "whatsapp:n1:886911111111"
SITE = {"channel": "web", "account": "shop", "uid": "c1"}
LIVES = (
    event("contact.followed", 1, contact=LINE),
    event("profile.updated", 2, contact=LINE, display_name="林小美"),
    event("tag.added", 3, contact=LINE, tag="vip", source="manual"),
    event("tag.added", 4, contact=WEB, tag="vip", source="journey", expires_after=1),
    event("attribute.set", 5, contact=WEB, key="points", value=12),
    event("identity.bound", 6, contact=LINE, linked_contact=SITE, via="site_button"),
    event("message.received", 7, contact=WHATSAPP, text="hi", message_id="m1", kind="text"),
    event("profile.updated", 8, contact=WHATSAPP, display_name="王大明"),
    event(
        "identity.bound",
        9,
        contact=WHATSAPP,
        identifiers=[{"type": "phone", "value": "+886911111111", "assurance": "verified"}],
        via="channel",
    ),
)
MEI, WANG = str(id_of(LINE)), str(id_of(WHATSAPP))


@pytest.fixture
async def lives(brand: Brand) -> Brand:
    await brand.fold(*LIVES)
    await compose_all(brand.connection)
    return brand


def ids(page: Any) -> list[str]:
    return [one["id"] for one in page["customers"]]


async def test_a_search_lists_the_customers_that_fulfil_its_filter(lives: Brand) -> None:
    page = await search(lives, {"tag": "vip"})
    (found,) = page["customers"]
    assert (found["id"], found["name"], found["contacts"]) == (MEI, "林小美", 2)
    assert found["tags"] == [{"tag": "vip", "count": 1, "last_at": BASE_MS + 3}]  # the other has run out by now
    assert found["attributes"] == {"points": 12}
    assert found["accounts"] == [{"account": "line:oa1", "valid": True}, {"account": "web:shop", "valid": False}]
    assert page["total"] == {"count": 1, "relation": "exact"}
    assert (page["as_of"]["asked_at"], page["as_of"]["complete"], page["next"]) == (NOW, True, None)
    assert SearchPage.model_validate(page).model_dump(mode="json") == page


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"phone": "0911-111-111"}, [WANG]),
        ({"name": "小"}, [MEI]),
        ({"not": {"name": "小"}}, [WANG]),
        ({"attribute": "points", "between": [10, 12]}, [MEI]),
        ({"last_customer": {"before": "-29d", "since": BASE_MS + 2}}, [WANG]),
        ({"last_customer": {"since": "-29d"}}, []),
        ({"all": [{"channel": "web"}, {"subscribed": True}]}, [MEI]),
        ({"same_contact": {"all": [{"channel": "web"}, {"subscribed": True}]}}, []),
        ({"bound": ["site_button"]}, [MEI]),
        ({"tag": "vip", "count": 2}, []),
    ],
    ids=str,
)
async def test_each_condition_is_read_as_it_is_written(lives: Brand, wanted: Any, found: list[str]) -> None:
    assert ids(await search(lives, wanted)) == found


async def test_a_contact_that_is_silent_is_found_beside_one_that_wrote_later(lives: Brand) -> None:
    hour = 3_600_000
    await lives.fold_contacts(
        event("message.received", 3 * hour, contact=WEB, text="hi", message_id="m2", kind="text"),
        event("message.received", 3 * hour, contact=WHATSAPP, text="hi", message_id="m3", kind="text"),
    )
    await lives.connection.execute("DELETE FROM composed")
    await compose_all(lives.connection)
    early = {"last_customer": {"before": BASE_MS + hour}}
    assert ids(await search(lives, {"same_contact": early})) == [MEI]
    assert ids(await search(lives, early)) == []


async def test_a_date_is_compared_with_days_before_the_moment_of_asking(lives: Brand) -> None:
    visit = datetime.fromtimestamp(NOW / 1000 - 10 * 86_400, ZoneInfo("Asia/Taipei")).date()
    await lives.fold(event("attribute.set", 10, contact=WEB, key="visit", value=visit.isoformat(), type="date"))
    await lives.compose()
    for asked, found in (({"gte": "-10d"}, [MEI]), ({"gte": "-9d"}, []), ({"between": ["-2w", "now"]}, [MEI])):
        assert ids(await search(lives, {"attribute": "visit", **asked})) == found


@pytest.mark.parametrize("direction", ["ascending", "descending"])
async def test_pages_follow_each_other_and_customers_without_a_value_come_last(lives: Brand, direction: str) -> None:
    everybody, order = {"contacts": {"gte": 1}}, {"by": "last_team", "direction": direction}
    await lives.fold_contacts(event("team.message_sent", 10, contact=WHATSAPP, purpose="conversation", text="yes"))
    await lives.connection.execute("DELETE FROM composed")
    await compose_all(lives.connection)
    first = await search(lives, everybody, limit=1, sort=order)
    second = await search(lives, everybody, limit=1, sort=order, cursor=first["next"])
    assert (ids(first), ids(second), second["next"]) == ([WANG], [MEI], None)
    assert first["total"] == {"count": 2, "relation": "exact"}


async def test_a_cursor_serves_its_own_search_only(lives: Brand) -> None:
    everybody = {"contacts": {"gte": 1}}
    cursor = (await search(lives, everybody, limit=1))["next"]
    other = {"filter": {"contacts": {"gte": 0}}, "cursor": cursor}
    response = await post(lives, "/v1/customers/search", other)
    assert (response.status_code, response.json()["type"]) == (422, "/problems/cursor-of-another-search")
    response = await post(lives, "/v1/customers/search", {"filter": everybody, "cursor": cursor[:-2]})
    assert (response.status_code, response.json()["type"]) == (400, "/problems/bad-cursor")


@pytest.mark.parametrize(
    ("wanted", "limit"),
    [
        ({"any": [{"tag": "a"}] * 101}, "at most 100 conditions"),
        ({"not": {"not": {"not": {"not": {"not": {"not": {"not": {"not": {"tag": "a"}}}}}}}}}, "at most 8 levels"),
        ({"phone": ["1"] * 10_001}, "at most 10000 items"),
        ({"same_contact": {"tag": "a"}}, "about the customer"),
        ({"tag": "a", "name": "b"}, "exactly one of the keys"),
        ({"last_team": {"since": "2026-01-01"}}, "offset from UTC"),
    ],
    ids=["leaves", "depth", "list", "scope", "keys", "time"],
)
async def test_a_filter_beyond_a_limit_is_refused_by_the_limits_name(lives: Brand, wanted: Any, limit: str) -> None:
    response = await post(lives, "/v1/customers/search", {"filter": wanted})
    assert response.status_code == 422
    assert limit in response.text
    assert "Value error" not in response.text


async def test_a_search_that_is_too_dear_is_refused_before_it_runs(
    lives: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "MOST", 5)
    assert ids(await search(lives, {"tag": "vip"})) == [MEI]
    kept = {"filter": {"contacts": {"gte": 1}}, "facets": ["tag"], "attributes": ["points"]}
    assert (await post(lives, "/v1/customers/facets", kept)).status_code == 200
    response = await post(lives, "/v1/customers/search", {"filter": {"not": {"tag": "vip"}}})
    assert (response.status_code, response.json()["type"]) == (422, "/problems/search-too-dear")
    assert "the limit is 5" in response.json()["detail"]


@pytest.mark.parametrize("wanted", [{"not": {"name": "x"}}, {"last_team": False}, {"valid": True}])
async def test_a_total_says_whether_it_is_exact(lives: Brand, monkeypatch: pytest.MonkeyPatch, wanted: Any) -> None:
    monkeypatch.setattr(handler, "_COUNTED_AT_ONCE", 1)
    at_once = await search(lives, wanted, limit=1)
    assert at_once["total"] == {"count": 1, "relation": "at_least"}
    on_request = await search(lives, wanted, limit=1, total="exact")
    assert on_request["total"] == {"count": 2, "relation": "exact"}
    assert (await search(lives, wanted, limit=2))["total"] == on_request["total"]  # the page shows them all


async def test_contacts_beyond_the_quota_are_found_once_it_is_set(lives: Brand) -> None:
    assert ids(await search(lives, {"over_quota": True})) == []
    await lives.fold_contacts(quota(1))
    assert ids(await search(lives, {"over_quota": True})) == [WANG]
    assert ids(await search(lives, {"over_quota": False})) == [MEI]


async def test_facets_count_the_customers_that_the_filter_finds(lives: Brand) -> None:
    wanted = {
        "filter": {"contacts": {"gte": 1}},
        "facets": ["tag", "attribute", "channel", "bound", "opted_out"],
        "attributes": ["points", "never"],
        "limit": 2,
    }
    response = await post(lives, "/v1/customers/facets", wanted)
    assert response.status_code == 200, response.text
    found = {one["facet"]: one for one in response.json()["facets"] + response.json()["attributes"]}
    values = {name: [(one["value"], one["customers"]) for one in facet["values"]] for name, facet in found.items()}
    assert values == {
        "tag": [("vip", 1)],
        "attribute": [("points", 1)],
        "channel": [("line", 1), ("web", 1)],
        "bound": [("site_button", 1)],
        "opted_out": [],
        "points": [("12", 1)],
        "never": [],
    }
    assert [name for name, facet in found.items() if facet["more"]] == ["channel"]
    none = await post(lives, "/v1/customers/facets", wanted | {"filter": {"tag": "never"}})
    assert all(one["values"] == [] for one in none.json()["facets"])


async def test_a_search_needs_the_scope_and_stays_within_the_tenant(lives: Brand) -> None:
    await compose_all(lives.connection, "other")
    assert ids(await search(lives, {"contacts": {"gte": 1}}, key="other")) == []
    response = await post(lives, "/v1/customers/search", {"filter": {"tag": "vip"}}, key="writer")
    assert response.status_code == 403
    response = await post(lives, f"/v1/customers/{MEI}/match", {"filter": {"tag": "vip"}}, key="other")
    assert response.status_code == 404


async def test_before_all_rows_are_made_a_search_says_so(brand: Brand) -> None:
    await brand.fold(*LIVES)
    page = await search(brand, {"tag": "vip"})
    assert (page["customers"], page["as_of"]["complete"], page["as_of"]["vector"]) == ([], False, None)


async def test_what_is_counted_says_how_far_the_rows_are_behind(lives: Brand) -> None:
    everybody: dict[str, Any] = {"filter": {"contacts": {"gte": 1}}}
    action = everybody | {"action": {"do": "tag", "tag": "new"}}
    bodies = {
        "/v1/customers/search": everybody,
        "/v1/customers/facets": everybody | {"facets": ["tag"]},
        "/v1/exports/preview": everybody,
        "/v1/exports": everybody,
        "/v1/bulk-actions/preview": action,
    }
    for behind in (0, 734):
        if behind:  # what the agents note, while nobody composes rows
            await lives.connection.execute(
                "INSERT INTO touched (tenant, contacts, seen, customers, noted_at) SELECT name, '{}', '{}', '{}', at "
                "FROM (VALUES ('demo', now() - interval '734 s'), ('demo', now()), ('other', now())) AS n (name, at)"
            )
        for path, body in bodies.items():
            answered = (await post(lives, path, body)).json()["as_of"]
            assert behind <= answered["seconds_behind"] < behind + 240, path
            assert answered["complete"], path


async def test_a_match_shows_the_value_and_the_event_of_each_condition(lives: Brand) -> None:
    wanted = {
        "all": [
            {"tag": "vip"},
            {"not": {"attribute": "points", "lt": 12}},
            {"last_customer": {"since": "-1d"}},
            {"same_contact": {"all": [{"channel": "line"}, {"subscribed": True}]}},
        ]
    }
    response = await post(lives, "/v1/customers/contact:line:oa1:U1/match", {"filter": wanted})
    assert response.status_code == 200, response.text
    found = response.json()
    assert MatchAnswer.model_validate(found).model_dump(mode="json") == found
    tag, points, time, same = found["match"]["parts"]
    assert (found["id"], found["holds"]) == (MEI, False)
    assert [one["holds"] for one in found["match"]["parts"]] == [True, True, False, True]
    came_from = {"event_id": "tag.added@3", "at": BASE_MS + 3, "contact": LINE, "channel": "line"}
    assert tag["seen"] == [{"value": 1, "event": came_from}]
    assert (points["parts"][0]["holds"], points["parts"][0]["seen"][0]["value"]) == (False, 12)
    assert time["seen"] == [
        {"value": BASE_MS + 1, "event": came_from | {"event_id": "contact.followed@1", "at": BASE_MS + 1}}
    ]
    of_contact = [one["seen"][0]["event"]["event_id"] for one in same["parts"][0]["parts"]]
    assert (same["contact"], of_contact) == (LINE, ["contact.followed@1"] * len(of_contact))


async def test_a_match_shows_where_what_a_customer_is_known_by_came_from(lives: Brand) -> None:
    crm = "crm:main:M7"
    stated = [{"type": "member_id", "value": "M7"}, {"type": "email", "value": "Wang@Example.com"}]
    await lives.fold(
        event("identity.bound", 11, contact=crm, identifiers=stated, via="import"),
        event("identity.bound", 12, contact=crm, identifiers=[{"type": "phone", "value": "0911111111"}], via="import"),
    )
    wanted = {
        "any": [{"phone": "+886 911-111-111"}, {"email": "wang@example.com"}, {"member_id": "M7"}, {"contacts": 2}]
    }
    response = await post(lives, f"/v1/customers/contact:{crm}/match", {"filter": wanted})
    assert response.status_code == 200, response.text
    seen = [(one["holds"], one["seen"][0]["event"]) for one in response.json()["match"]["parts"]]
    bound = {"contact": crm, "channel": "crm", "event_id": "identity.bound@11", "at": BASE_MS + 11}
    verified = {"contact": WHATSAPP, "channel": "whatsapp", "event_id": "identity.bound@9", "at": BASE_MS + 9}
    assert seen == [(True, verified), (True, bound), (True, bound), (True, bound)]


async def test_a_member_is_found_by_an_id_that_was_merged_into_its_own(brand: Brand) -> None:
    crm = "crm:main:M7"
    merged = event("member.merged", 2, member_id="M6", into="M7").model_copy(update={"contact": None})
    stated = [{"type": "member_id", "value": "M7"}]
    await brand.fold(event("identity.bound", 1, contact=crm, identifiers=stated, via="import"), merged)
    await compose_all(brand.connection)
    for wanted in ("M6", ["M5", "M6"], " M7 "):
        assert ids(await search(brand, {"member_id": wanted})) == [str(id_of(crm))]
    assert ids(await search(brand, {"member_id": "M5"})) == []
