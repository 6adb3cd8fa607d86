"""Signed webhooks of Meta's, through the log and the folds, to the contacts and accounts that the read API shows."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from tests.support.ingress import RunningIngress, meta_signature
from tests.support.meta_bodies import (
    INSTAGRAM,
    NUMBER,
    OWN_PHONE,
    SECONDS,
    WABA,
    change,
    hello,
    instagram,
    known,
    whatsapp,
)
from tests.support.shop import Shop, open_shop

FROM, WA_ID = "525512345678", "5215512345678"
CONTACT = f"whatsapp:{NUMBER}:{FROM}"


@pytest.fixture
async def shop(ingress: RunningIngress) -> AsyncIterator[Shop]:
    async with open_shop(ingress) as opened:
        yield opened


async def _send(shop: Shop, *bodies: Any) -> None:
    for body in map(orjson.dumps, bodies):
        assert (await shop.ingress.meta(body, meta_signature(body))).status_code == 200
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
