"""Signed webhooks of Meta's, through the log and the folds, to the contacts and accounts that the read API shows."""

from collections.abc import AsyncIterator
from itertools import permutations
from typing import Any

import orjson
import pytest

from tests.support.ingress import RunningIngress, meta_signature
from tests.support.meta_bodies import (
    BSUID,
    INSTAGRAM,
    NUMBER,
    OWN_PHONE,
    PAGE,
    SECONDS,
    SENT_AT,
    WABA,
    change,
    hello,
    instagram,
    known,
    page,
    turn,
    whatsapp,
)
from tests.support.shop import Shop, open_shop

FROM, WA_ID = "525512345678", "5215512345678"
CONTACT = f"whatsapp:{NUMBER}:{FROM}"


@pytest.fixture
async def shop(ingress: RunningIngress) -> AsyncIterator[Shop]:
    async with open_shop(ingress) as opened:
        yield opened


async def _post(shop: Shop, *bodies: Any) -> None:
    for body in map(orjson.dumps, bodies):
        assert (await shop.ingress.meta(body, meta_signature(body))).status_code == 200


async def _send(shop: Shop, *bodies: Any) -> None:
    await _post(shop, *bodies)
    await shop.fold()


def _echo(number: str, at: int) -> dict[str, Any]:
    echo = {"from": OWN_PHONE, "to": number, "id": f"wamid.E{at}", "timestamp": str(SECONDS + at), "type": "text"}
    return whatsapp(change("smb_message_echoes", message_echoes=[echo]))


def _refusal(number: str) -> dict[str, Any]:
    status = {"id": "wamid.S1", "status": "failed", "timestamp": str(SECONDS + 9), "recipient_id": number}
    return whatsapp(change(statuses=[status | {"errors": [{"code": 131050}]}]))


async def test_a_number_with_two_spellings_is_one_contact_through_every_door(shop: Shop) -> None:
    campaign = orjson.dumps({"contact": f"whatsapp:{NUMBER}:{WA_ID}", "text": "hola"})
    answer = await shop.send(
        "POST", "/v1/campaigns/autumn/messages", campaign, **{"Content-Type": "application/x-ndjson"}
    )
    assert answer.is_success, answer.text
    await _send(
        shop,
        whatsapp(change(messages=[hello(phone=FROM)], contacts=[known(WA_ID, name="Ana")])),
        _echo(FROM, 1),
        _echo(WA_ID, 2),
        _refusal(WA_ID),
    )
    customer = await shop.get(f"/v1/customers/contact:whatsapp:{NUMBER}:{WA_ID}")
    assert [one["contact"] for one in customer["contacts"]] == [CONTACT]
    (contact,) = customer["contacts"]
    assert contact["last_customer_interaction_at"] == SECONDS * 1000
    assert contact["last_team_interaction_at"] == (SECONDS + 2) * 1000
    assert contact["last_marketing_at"] is not None
    assert (contact["subscription"]["status"], contact["valid"]) == ("subscribed", False)
    assert {one["allowed"] for one in contact["consents"].values()} == {False}


def _of_messenger(uid: str) -> list[Any]:
    """A message that a campaign declares, as the channel echoes it, and as the contact read it."""
    mid = f"m_{uid}"
    entry = {"contact": f"facebook:{PAGE}:{uid}", "message_id": mid}
    echo = {"message": {"mid": mid, "text": "新品上市", "is_echo": True, "app_id": 7}}
    return [entry, page(turn(PAGE, uid, **echo)), page(turn(uid, read={"mid": mid}))]


def _of_whatsapp(uid: str) -> list[Any]:
    """The same on WhatsApp, whose status says that the contact stopped marketing messages."""
    wamid = f"wamid.{uid}"
    entry = {"contact": f"whatsapp:{NUMBER}:{uid}", "message_id": wamid}
    message = {"to": f"+{uid}", "type": "template", "template": {"name": "新品上市"}}
    echo = {"id": wamid, "timestamp": str(SECONDS), "message": message}
    status = {"id": wamid, "status": "failed", "timestamp": str(SECONDS), "recipient_id": uid}
    refused = status | {"errors": [{"code": 131050}]}
    return [
        entry,
        whatsapp(change("standby", standby={"message_echoes": [echo]})),
        whatsapp(change(statuses=[refused])),
    ]


@pytest.mark.parametrize("channel", ["facebook", "whatsapp"])
async def test_a_campaign_its_echo_and_its_status_are_one_broadcast_in_any_order(shop: Shop, channel: str) -> None:
    account, tell = (PAGE, _of_messenger) if channel == "facebook" else (NUMBER, _of_whatsapp)
    orders = {f"88691234500{number}": order for number, order in enumerate(permutations(range(3)))}
    for step in range(3):
        for uid, order in orders.items():
            said = tell(uid)[order[step]]
            if order[step] == 0:
                lines = b"\n".join(map(orjson.dumps, ({"sent_at": SENT_AT - 60_000}, said)))
                await shop.send("POST", "/v1/campaigns/c1/messages", lines, **{"Content-Type": "application/x-ndjson"})
            else:
                await _post(shop, said)
        await shop.fold()
    for uid in orders:
        contact = await shop.get(f"/v1/contacts/{channel}/{account}/{uid}")
        times = (contact["last_marketing_at"], contact["last_team_interaction_at"])
        assert times == (SENT_AT - 60_000, None)
        timeline = await shop.get(f"/v1/contacts/{channel}/{account}/{uid}/timeline")
        sent = [one["data"] for one in timeline["events"] if one["type"] == "team.message_sent"]
        assert [(one["purpose"], one["campaign"]) for one in sent] == [("broadcast", "c1")]
        refused = {not allowed for allowed in contact["may_be_messaged"].values()}
        assert refused == {True}


async def test_a_history_is_the_persons_who_hides_the_number(shop: Shop) -> None:
    mine, theirs = hello(wamid="wamid.H1", phone=OWN_PHONE), hello(wamid="wamid.H2", phone=None, from_user_id=BSUID)
    thread = {"context": {"user_id": BSUID, "username": "@anna"}, "messages": [mine, theirs]}
    piece = {"metadata": {"phase": 0, "chunk_order": 1, "progress": 100}, "threads": [thread]}
    await _send(shop, whatsapp(change("history", history=[piece])))
    timeline = await shop.get(f"/v1/contacts/whatsapp/{NUMBER}/{BSUID}/timeline")
    assert {one["type"] for one in timeline["events"]} == {"message.received", "team.message_sent"}
    account = await shop.get(f"/v1/accounts/whatsapp/{NUMBER}/events")
    assert [one["data"] for one in account["events"]] == [{"metadata": piece["metadata"]}]


async def test_the_accounts_own_events_are_read_by_the_account(shop: Shop) -> None:
    mention = {"field": "mentions", "value": {"media_id": "1", "comment_id": "2"}}
    update = {"field": "account_update", "value": {"event": "VERIFIED_ACCOUNT"}}
    await _send(
        shop,
        instagram(messaging=None, changes=[mention]),
        whatsapp(update),
        whatsapp(change(errors=[{"code": 130429}])),
        _echo(OWN_PHONE, 1),
    )
    read = {}
    for account in (f"instagram/{INSTAGRAM}", f"whatsapp/{WABA}", f"whatsapp/{NUMBER}"):
        page = await shop.get(f"/v1/accounts/{account}/events")
        read[account] = [one["type"] for one in page["events"]]
    assert read == {
        f"instagram/{INSTAGRAM}": ["instagram.mentions"],
        f"whatsapp/{WABA}": ["whatsapp.account_update"],
        f"whatsapp/{NUMBER}": ["whatsapp.errors", "team.message_sent"],
    }
