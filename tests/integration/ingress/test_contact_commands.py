"""What the team does to a contact over HTTP, through to what the read API says of it."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.control.keys import add_key
from tests.support.ingress import RunningIngress, assert_problem
from tests.support.polling import until
from tests.support.shop import Shop, open_shop

ODD = "/v1/contacts/web/shop/a%2Fb%2520%E7%8E%8B"  # the uid "a/b%20王"
SITE, WHATSAPP = "/v1/contacts/web/shop/c1", "/v1/contacts/whatsapp/n1/886911111111"
PHONE = {"type": "phone", "value": "+886911111111"}
AT = 1_760_000_000_000
IN_VAIN = 0.3  # s


@pytest.fixture
async def shop(ingress: RunningIngress) -> AsyncIterator[Shop]:
    async with open_shop(ingress) as opened:
        yield opened


async def test_a_contact_is_unsubscribed_and_subscribed_again(shop: Shop) -> None:
    await shop.accepted("POST", f"{ODD}/unsubscribe", {"by": "amy"})
    await shop.fold()
    contact = await shop.get(ODD)
    assert (contact["uid"], {kind["allowed"] for kind in contact["consents"].values()}) == ("a/b%20王", {False})
    await shop.accepted("POST", f"{ODD}/resubscribe", {"kinds": ["broadcast"]})
    await shop.fold()
    consents = (await shop.get(ODD))["consents"]
    assert {kind: consent["allowed"] for kind, consent in consents.items()} == {
        "broadcast": True,
        "web_push": False,
        "cart_remarketing": False,
    }


async def test_tags_and_attributes_come_and_go(shop: Shop) -> None:
    await shop.accepted("POST", f"{ODD}/tags", {"add": ["VIP", "new"], "source": "manual"})
    await shop.accepted("POST", f"{ODD}/attributes", {"set": {"level": "gold", "points": 3}})
    await shop.accepted("POST", f"{ODD}/tags", {"remove": ["new"]})
    await shop.accepted("POST", f"{ODD}/attributes", {"unset": ["points"]})
    await shop.fold()
    contact = await shop.get(ODD)
    assert [(tag["tag"], tag["source"]) for tag in contact["tags"]] == [("VIP", "manual")]
    assert {key: one["value"] for key, one in contact["attributes"].items()} == {"level": "gold"}

    async def are_in_the_audit_trail() -> bool:
        rows = await shop.connection.fetch("SELECT action, object_ids, status FROM onefold.audit WHERE status = 202")
        expected = Counter({"post_contact_tags": 2, "post_contact_attributes": 2})
        about = {(*map(str, row["object_ids"]), row["status"]) for row in rows}
        return Counter(row["action"] for row in rows) == expected and about == {(contact["id"], 202)}

    await until(are_in_the_audit_trail, 240, "the commands are not in the audit trail")


async def test_a_command_that_is_sent_again_with_its_key_counts_once(shop: Shop) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await shop.accepted("POST", f"{SITE}/tags", {"add": ["VIP"]}, **key)
    assert await shop.accepted("POST", f"{SITE}/tags", {"add": ["VIP"]}, **key) == first
    await shop.accepted("POST", f"{SITE}/tags", {"add": ["VIP"]})
    await shop.fold()
    assert [(tag["tag"], tag["count"]) for tag in (await shop.get(SITE))["tags"]] == [("VIP", 2)]


def an_event(uid: str, channel: str, account: str, type_name: str, data: Any) -> Any:
    contact = {"channel": channel, "account": account, "uid": uid}
    return {"type": type_name, "contact": contact, "occurred_at": AT, "data": data}


async def test_undoing_a_merge_gives_what_was_before(shop: Shop) -> None:
    for event in (
        an_event(
            "886911111111", "whatsapp", "n1", "identity.bound", {"identifiers": [PHONE | {"assurance": "verified"}]}
        ),
        an_event("c1", "web", "shop", "profile.updated", {"display_name": "Ming"}),
        an_event("U1", "line", "oa1", "contact.followed", {}),
    ):
        await shop.accepted("POST", "/v1/events", event)
    await shop.fold()
    before = {path: await shop.get(path) for path in (SITE, WHATSAPP)}
    assert before[SITE]["customer_id"] != before[WHATSAPP]["customer_id"]

    typed = {"identifiers": [PHONE], "linked_contact": {"channel": "line", "account": "oa1", "uid": "U1"}}
    await shop.accepted("POST", "/v1/events", an_event("c1", "web", "shop", "identity.bound", typed))
    await shop.fold()
    merged = await shop.get(SITE)
    assert merged["customer_id"] == (await shop.get(WHATSAPP))["customer_id"]
    assert len((await shop.get(f"/v1/customers/{merged['customer_id']}"))["contacts"]) == 3

    by = {"by": "amy", "note": "her mother's phone"}
    spelled = {"type": "phone", "value": "0911-111-111"}
    await shop.accepted("POST", f"{SITE}/unbind", by | {"identifiers": [spelled], "linked_contact": "line:oa1:U1"})
    await shop.fold()
    for path, contact in before.items():
        customer_id = (await shop.get(path))["customer_id"]
        assert customer_id == contact["customer_id"]
        assert len((await shop.get(f"/v1/customers/{customer_id}"))["contacts"]) == 1
    newest = (await shop.get(f"{SITE}/timeline"))["events"][0]
    assert (newest["type"], newest["data"]["by"], newest["data"]["note"]) == ("identity.unbound", "amy", by["note"])


async def test_who_waits_sees_what_they_did(shop: Shop) -> None:
    key = {"Idempotency-Key": "k1"}
    for path, body in (("tags", {"add": ["VIP"]}), ("unbind", {"identifiers": [PHONE], "by": "amy"})):
        shop.ingress.wait_at_most(IN_VAIN)
        assert (await shop.accepted("POST", f"{SITE}/{path}?wait=true", body, **key))["visible"] is False
        await shop.fold()
        shop.ingress.wait_at_most(60)
        assert (await shop.accepted("POST", f"{SITE}/{path}?wait=true", body, **key))["visible"] is True
    decided = {"a": "web:shop:c1", "b": "line:oa1:U1", "decision": "different", "by": "amy", "event_id": "d1"}
    shop.ingress.wait_at_most(IN_VAIN)
    assert (await shop.accepted("POST", "/v1/identity/decisions?wait=true", decided))["visible"] is False
    await shop.fold()
    shop.ingress.wait_at_most(60)
    assert (await shop.accepted("POST", "/v1/identity/decisions?wait=true", decided)) == {
        "event_id": "d1",
        "visible": True,
    }


async def test_identity_is_waited_for_apart_from_the_timeline(shop: Shop) -> None:
    key = {"Idempotency-Key": "k1"}
    body = {"identifiers": [PHONE], "by": "amy"}
    await shop.accepted("POST", f"{SITE}/unbind", body, **key)
    await shop.fold()
    for change, visible, seconds in (("SELECT 1", True, 60), ("DELETE FROM g1.statements", False, IN_VAIN)):
        await shop.connection.execute(change)
        shop.ingress.wait_at_most(seconds)
        assert (await shop.accepted("POST", f"{SITE}/unbind?wait=true", body, **key))["visible"] is visible


async def test_who_may_not_or_says_nonsense_does_nothing(shop: Shop) -> None:
    for path, body, status, slug in (
        (f"{SITE}/tags", b"{", 400, "malformed-body"),
        (f"{SITE}/tags", {}, 422, "no-command"),
        (f"{SITE}/unbind", {"identifiers": [PHONE]}, 422, "no-command"),
        ("/v1/contacts/fax/shop/c1/tags", {"add": ["a"]}, 404, "not-found"),
        ("/v1/contacts/web/shop/%FF/tags", {"add": ["a"]}, 404, "not-found"),
        (f"{SITE}/delete", {}, 404, "not-found"),
    ):
        assert_problem(await shop.send("POST", path, body), status, slug)
    assert_problem(await shop.send("PUT", f"{SITE}/tags", {"add": ["a"]}), 405, "method-not-allowed")
    shop.key = await add_key(shop.ingress.engine, "acme", ["events:write", "customers:read"])
    assert_problem(await shop.send("POST", f"{SITE}/unsubscribe"), 403, "forbidden")
    assert await shop.ingress.log() == []
    metrics = (await shop.ingress.client.get("/metrics")).text
    assert "c1" not in "".join(line for line in metrics.splitlines() if "onefold_http" in line and "contacts" in line)
