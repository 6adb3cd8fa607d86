"""A WhatsApp contact is read by either spelling of its number; two old contacts of one number are one address."""

import pytest

from tests.support.identity_events import event, seen
from tests.support.read_api import Brand

ONE, OTHER = "whatsapp:n1:525512345678", "whatsapp:n1:5215512345678"
PATHS = [f"/v1/contacts/{key.replace(':', '/')}" for key in (ONE, OTHER)]


async def test_either_spelling_reads_the_contact(brand: Brand) -> None:
    await brand.fold(seen(ONE, phone="+5215512345678"))
    for path, key in zip(PATHS, (ONE, OTHER), strict=True):
        assert (await brand.json(path))["contact"] == ONE
        assert len((await brand.json(f"{path}/timeline"))["events"]) == 1
        assert (await brand.json(f"/v1/customers/contact:{key}"))["contacts"][0]["contact"] == ONE


async def test_a_contact_from_before_uids_had_one_spelling_is_found(brand: Brand) -> None:
    await brand.fold(seen(OTHER, phone="+5215512345678"))
    assert (await brand.json(PATHS[1]))["contact"] == OTHER
    assert len((await brand.json(f"{PATHS[1]}/timeline"))["events"]) == 1
    assert (await brand.json(f"/v1/customers/contact:{OTHER}"))["contacts"][0]["contact"] == OTHER
    assert (await brand.get(PATHS[0])).status_code == 404


@pytest.mark.parametrize("refused", [ONE, OTHER])
async def test_contacts_of_both_spellings_are_one_address(brand: Brand, refused: str) -> None:
    kinds = {"kinds": ["broadcast", "cart_remarketing", "web_push"], "by": "customer"}
    await brand.fold(
        seen(OTHER, phone="+5215512345678", at=1),
        seen(ONE, phone="+525512345678", at=2),
        event(ONE, "team.message_sent", {"purpose": "conversation"}, at=3),
        event(refused, "marketing.opted_out", kinds, at=4),
    )
    customer = await brand.json(f"/v1/customers/contact:{ONE}")
    assert [one["contact"] for one in customer["contacts"]] == [OTHER, ONE]
    assert [one["address"] for one in customer["contacts"]] == [[OTHER, ONE]] * 2
    assert [one["valid"] for one in customer["contacts"]] == [False, False]
    assert not customer["valid"]
    assert customer["last_team_interaction_at"] > customer["last_customer_interaction_at"]
    timeline = await brand.json(f"/v1/customers/contact:{ONE}/timeline")
    assert len(timeline["events"]) == 4
