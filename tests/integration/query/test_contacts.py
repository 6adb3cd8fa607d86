"""A contact's page, from events to JSON."""

from urllib.parse import quote

import pytest

from projections.contacts import queries
from services.query.core.models import ContactView
from tests.support.contact_records import event
from tests.support.plans import PLAN_CACHE_MODES, plan_nodes
from tests.support.read_api import NOW, Brand, id_of
from tests.support.strategies import BASE_MS, DAY_MS

READ = ("contacts", "tags", "attributes", "consents", "notifications", "bindings")
LIFE = (
    event("contact.followed", 1, via="add_friend"),
    event("profile.updated", 2, display_name="林小美", locale="zh-TW"),
    event("message.received", 3, kind="text", text="請問有貨嗎"),
    event("team.message_sent", 4, purpose="conversation", text="有的"),
    event("team.message_sent", 5, purpose="broadcast"),
    event("tag.added", 6, tag="新品", source="keyword_auto_reply"),
    event("tag.added", 7, tag="新品", source="manual"),
    event("tag.added", 8, tag="短期", expires_after=1),
    event("tag.added", 9, tag="誤貼"),
    event("tag.removed", 10, tag="誤貼"),
    event("attribute.set", 11, key="birthday", value="1990-01-31", type="date"),
    event("attribute.set", 12, key="points", value=12.5),
    event("attribute.set", 13, key="gone", value=True),
    event("attribute.unset", 14, key="gone"),
    event("marketing.opted_out", 15, kinds=["web_push"], by="customer"),
    event("notification.opted_in", 16, topic="新品", frequency="weekly", token="t", expires_at=BASE_MS + DAY_MS),
    event("identity.bound", 17, via="site_button", linked_contact={"channel": "web", "account": "shop", "uid": "c1"}),
    event("omo.bound", 18, member="陳店長", branch="信義"),
    event("contact.blocked", 19),
)


async def test_a_contacts_events_become_its_page(brand: Brand) -> None:
    await brand.fold_contacts(*LIFE)
    page = await brand.json("/v1/contacts/line/oa1/U1")
    personal = str(id_of("line:oa1:U1"))
    assert page == {
        "contact": "line:oa1:U1",
        "id": personal,
        "customer_id": personal,
        "by_claim": False,
        "channel": "line",
        "account": "oa1",
        "uid": "U1",
        "profile": {"display_name": "林小美", "avatar": None, "locale": "zh-TW"},
        "subscription": {
            "status": "blocked",
            "since": BASE_MS + 19,
            "history": [
                {"status": "blocked", "from": BASE_MS + 19, "to": None},
                {"status": "subscribed", "from": BASE_MS + 1, "to": BASE_MS + 19},
            ],
        },
        "address": ["line:oa1:U1"],
        "valid": False,
        "last_customer_interaction_at": BASE_MS + 3,
        "last_team_interaction_at": BASE_MS + 4,
        "last_marketing_at": BASE_MS + 5,
        "first_seen_at": BASE_MS + 1,
        "consents": {
            "broadcast": {"allowed": True, "at": None},
            "web_push": {"allowed": False, "at": BASE_MS + 15},
            "cart_remarketing": {"allowed": True, "at": None},
        },
        "may_be_messaged": {"broadcast": False, "web_push": False, "cart_remarketing": False},
        "notifications": [
            {
                "topic": "新品",
                "status": "opted_in",
                "frequency": "weekly",
                "token_present": True,
                "expires_at": BASE_MS + DAY_MS,
                "at": BASE_MS + 16,
            }
        ],
        "tags": [
            {
                "tag": "新品",
                "count": 2,
                "last_at": BASE_MS + 7,
                "event_id": "tag.added@7",
                "source": "manual",
                "expires_at": None,
            }
        ],
        "attributes": {
            name: {
                "value": value,
                "type": kind,
                "at": BASE_MS + at,
                "event_id": f"attribute.set@{at}",
                "claimed": False,
            }
            for name, value, kind, at in (("birthday", "1990-01-31", "date", 11), ("points", 12.5, "number", 12))
        },
        "staff": {"member": "陳店長", "branch": "信義", "at": BASE_MS + 18},
        "social_binding": {
            "bound": True,
            "via": "site_button",
            "at": BASE_MS + 17,
            "event_id": "identity.bound@17",
        },
        "bindings": [{"via": "site_button", "bound": True, "at": BASE_MS + 17, "event_id": "identity.bound@17"}],
        "superseded_by": None,
    }
    assert ContactView.model_validate(page).model_dump(mode="json", by_alias=True) == page


async def test_no_cache_may_store_an_answer(brand: Brand) -> None:
    await brand.fold_contacts(LIFE[0])
    assert (await brand.get("/v1/contacts/line/oa1/U1")).headers["cache-control"] == "no-store"


UIDS = [
    "c:1|小",
    "a/b",
    "a/timeline",
    "timeline",
    "/",
    "..",
    "100%",
    "%2F",
    "a b",
    "a?b#c",
    "+886911111111",
    "\U0001f389",
    "a\nb",
]


@pytest.mark.parametrize("uid", UIDS)
async def test_any_uid_can_be_asked_for(brand: Brand, uid: str) -> None:
    await brand.fold_contacts(event("web.tracked", 1, contact=f"web:shop:{uid}", event="view"))
    encoded = quote(uid, safe="")
    path = f"/v1/contacts/web/shop/{'%2E%2E' if uid == '..' else encoded}"
    page = await brand.json(path)
    assert (page["uid"], page["id"]) == (uid, str(id_of(f"web:shop:{uid}")))
    assert [one["type"] for one in (await brand.json(path + "/timeline"))["events"]] == ["web.tracked"]
    customer = await brand.json(f"/v1/customers/{quote(f'contact:web:shop:{uid}', safe='')}")
    assert customer["id"] == page["id"]


async def test_a_uid_with_plain_slashes_is_understood_too(brand: Brand) -> None:
    await brand.fold_contacts(event("web.tracked", 1, contact="web:shop:a/b", event="view"))
    assert (await brand.json("/v1/contacts/web/shop/a/b"))["uid"] == "a/b"
    assert len((await brand.json("/v1/contacts/web/shop/a/b/timeline"))["events"]) == 1


async def test_an_account_may_hold_a_slash(brand: Brand) -> None:
    await brand.fold_contacts(event("web.tracked", 1, contact="web:shop/tw:c1", event="view"))
    assert (await brand.json("/v1/contacts/web/shop%2Ftw/c1"))["account"] == "shop/tw"


async def test_only_the_tags_that_have_not_run_out_are_there(brand: Brand) -> None:
    days = (NOW - BASE_MS) // DAY_MS
    await brand.fold_contacts(
        event("tag.added", tag="over", expires_after=days - 1), event("tag.added", 1, tag="on", expires_after=days)
    )
    assert [one["tag"] for one in (await brand.json("/v1/contacts/line/oa1/U1"))["tags"]] == ["on"]


async def test_a_contact_among_many_is_found_by_primary_keys_alone(brand: Brand) -> None:
    await brand.fold_contacts(*LIFE)
    await brand.connection.execute(
        "INSERT INTO contacts (tenant, contact_id, channel, account, uid, first_seen_at, opted_out, runs, stamps)"
        " SELECT 'demo', gen_random_uuid(), 'web', 'shop', 'c' || i, i, false, '[]', '{}'"
        " FROM generate_series(1, 20000) i;"
        "INSERT INTO tags (tenant, contact_id, tag, taggings, last_at, sliding)"
        " SELECT 'demo', contact_id, 'new', 1, 1, false FROM contacts WHERE channel = 'web';"
        "INSERT INTO consents SELECT 'demo', contact_id, 'broadcast', false, 1, 'e', NULL FROM contacts"
        " WHERE channel = 'web'; ANALYZE"
    )
    for mode in PLAN_CACHE_MODES:
        await brand.connection.execute(f"SET plan_cache_mode = {mode}")
        arguments = f"'demo', ARRAY['{id_of('line:oa1:U1')}']::uuid[]"
        nodes = await plan_nodes(brand.connection, queries._RECORDS, arguments)
        indexes = {node["Index Name"] for node in nodes if "Index Name" in node}
        assert {"contacts_pk", "tags_pk", "consents_pk"} <= indexes <= {f"{table}_pk" for table in READ}
        assert all(node["Actual Rows"] < 20 for node in nodes)
