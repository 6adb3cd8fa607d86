"""What happened on an account and to no contact is read by the account, page by page, newest first."""

from typing import Any

import pytest

from projections.timeline import queries
from schemas.codec import from_dict
from schemas.events import Event
from services.query.core.models import AccountEventPage
from tests.support.contact_records import event
from tests.support.plans import PLAN_CACHE_MODES, plan_nodes
from tests.support.read_api import Brand, keys_of
from tests.support.strategies import BASE_MS

PAGE = "instagram:17841400000000001"
PATH = "/v1/accounts/instagram/17841400000000001/events"


def on_account(
    type_name: str, at: int, account: str = PAGE, *, tenant: str = "demo", event_id: str = "", **data: Any
) -> Event:
    """An event that is about an account and no contact, ``at`` ms after the beginning."""
    channel, name = account.split(":")
    return from_dict(
        {
            "event_id": event_id or f"{account}:{type_name}@{at}",
            "tenant": tenant,
            "account": {"channel": channel, "account": name},
            "type": type_name,
            "occurred_at": BASE_MS + at,
            "received_at": BASE_MS + at,
            "source": "test",
            "data": data,
        }
    )


async def ids(brand: Brand, path: str = PATH, key: str = "demo", **params: Any) -> list[str]:
    """The ids on every page, from the newest on."""
    page = await brand.json(path, key=key, **params)
    found = [one["event_id"] for one in page["events"]]
    while page["next"]:
        page = await brand.json(path, key=key, **params, cursor=page["next"])
        found += [one["event_id"] for one in page["events"]]
    return found


async def test_an_event_is_shown_as_it_was(brand: Brand) -> None:
    await brand.fold_contacts(on_account("instagram.mentions", 5, media_id="1"))
    page = await brand.json(PATH)
    assert page == {
        "events": [
            {
                "event_id": f"{PAGE}:instagram.mentions@5",
                "type": "instagram.mentions",
                "account": PAGE,
                "occurred_at": BASE_MS + 5,
                "received_at": BASE_MS + 5,
                "source": "test",
                "data": {"media_id": "1"},
            }
        ],
        "next": None,
        "previous": None,
    }
    assert AccountEventPage.model_validate(page).model_dump(mode="json") == page


@pytest.mark.parametrize("limit", [1, 3, 10])
async def test_pages_of_any_size_hold_the_same_events(brand: Brand, limit: int) -> None:
    events = [on_account("instagram.mentions", n // 3, event_id=f"e{n}") for n in range(8)]
    await brand.fold_contacts(*events)
    assert await ids(brand, limit=limit) == [f"e{n}" for n in reversed(range(8))]


async def test_only_what_is_about_this_account_and_no_contact_is_shown(brand: Brand) -> None:
    await brand.fold_contacts(
        on_account("instagram.mentions", 1, event_id="ours"),
        on_account("instagram.mentions", 2, "instagram:2", event_id="another account's"),
        on_account("facebook.feed", 3, "facebook:17841400000000001", event_id="another channel's"),
        on_account("instagram.mentions", 4, tenant="other", event_id="another tenant's"),
        event("message.received", 5, contact=f"{PAGE}:9", event_id="a contact's"),
        from_dict(on_account("tenant.quota_set", 6, limit=1).model_dump(exclude={"account"}, exclude_none=True)),
    )
    assert await ids(brand) == ["ours"]
    assert await ids(brand, "/v1/accounts/instagram/3/events") == []


async def test_the_events_around_one_of_an_account_lead_both_ways(brand: Brand) -> None:
    events = [on_account("instagram.mentions", n, event_id=f"e{n}") for n in range(5)]
    await brand.fold_contacts(*events, on_account("instagram.mentions", 2, "instagram:2", event_id="another's"))
    page = await brand.json(PATH, around="e2", limit=2)
    newer, older = [await brand.json(PATH, cursor=page[name]) for name in ("previous", "next")]
    assert [keys_of([one]) for one in (newer, page, older)] == [["e4"], ["e3", "e2"], ["e1", "e0"]]
    assert (newer["previous"], older["next"]) == (None, None)
    assert (await brand.get(PATH, around="another's")).status_code == 404


async def test_types_are_chosen_as_on_a_timeline(brand: Brand) -> None:
    await brand.fold_contacts(
        on_account("instagram.mentions", 1, event_id="m"), on_account("instagram.entry", 2, event_id="e")
    )
    assert await ids(brand, type="instagram.mentions") == ["m"]


async def test_a_message_of_a_group_that_was_unsent_shows_nothing(brand: Brand) -> None:
    group = "line:oa1"
    await brand.fold_contacts(
        on_account("message.unsent", 2, group, message_id="m1", kind="unknown"),
        on_account("message.received", 1, group, message_id="m1", text="secret"),
    )
    page = await brand.json("/v1/accounts/line/oa1/events")
    assert [one["data"] for one in page["events"]][1] == {"message_id": "m1", "kind": "text", "unsent": True}


@pytest.mark.parametrize("path", ["/v1/accounts/telegram/1/events", "/v1/accounts/line/a%3Ab/events"])
async def test_what_can_name_no_account_is_not_found(brand: Brand, path: str) -> None:
    assert (await brand.get(path)).status_code == 404


async def test_a_page_reads_the_accounts_events_alone(brand: Brand) -> None:
    await brand.fold_contacts(
        *(on_account("instagram.mentions", n, f"instagram:{n % 40}", event_id=f"e{n}") for n in range(4_000))
    )
    await brand.connection.execute("ANALYZE g1.timeline")
    for mode in PLAN_CACHE_MODES:
        await brand.connection.execute(f"SET plan_cache_mode = {mode}")
        position = f"{queries.NEWEST.occurred_at}, '', '{queries.NEWEST.contact_id}'"
        arguments = f"'demo', 'instagram:7', {position}, NULL, 20, 1000000"
        nodes = await plan_nodes(brand.connection, queries._ACCOUNT_PAGE[False], arguments)
        scan = next(node for node in nodes if node.get("Relation Name") == "timeline")
        assert scan["Index Name"] == "timeline_of_accounts"
        assert scan["Actual Rows"] <= 30
