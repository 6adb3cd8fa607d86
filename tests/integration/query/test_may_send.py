"""May I send? One contact and a list give the same answers, with every reason."""

from typing import Any

import httpx
import orjson
import pytest

from schemas.events import Event, Identifier
from services.query.core.send_models import MOST_LINES
from tests.support.contact_records import event
from tests.support.quota import quota
from tests.support.read_api import Brand

MARKETING = ("broadcast", "cart_remarketing", "web_push")
OTHERS = ("conversation", "bot", "welcome")
NUMBER, BSUID = "whatsapp:n1:886911111111", "whatsapp:n1:TW.13491208655302741918"


def at(uid: str) -> str:
    return f"line:oa1:{uid}"


def follow(uid: str, moment: int = 0) -> Event:
    return event("contact.followed", moment, contact=at(uid))


HISTORY = [
    *(follow(uid, number) for number, uid in enumerate(("fine", "blocked", "erased", "old", "out", "back"))),
    event("contact.blocked", 20, contact=at("blocked")),
    event("contact.erased", 20, contact=at("erased"), request_id="r"),
    event("contact.superseded", 20, contact=at("old"), by={"channel": "line", "account": "oa1", "uid": "fine"}),
    event("marketing.opted_out", 20, contact=at("out"), kinds=["broadcast"]),
    event("contact.erased", 20, contact=at("back"), request_id="r"),
    follow("back", 30),
    follow("late", 40),
    event("message.received", 5, contact=at("stranger"), message_id="m", kind="text"),
    quota(3),  # those within: fine, out, back
]


async def one(brand: Brand, uid: str, purpose: str) -> list[str]:
    found = await brand.json(f"/v1/contacts/line/oa1/{uid}/may-send", purpose=purpose)
    assert (found["contact"], found["purpose"], found["allowed"]) == (at(uid), purpose, not found["reasons"])
    return list(found["reasons"])


async def post(brand: Brand, content: bytes, key: str = "demo", purpose: str = "broadcast") -> httpx.Response:
    headers = {"Authorization": f"Bearer {brand.keys[key]}", "Content-Type": "application/x-ndjson"}
    return await brand.client.post("/v1/may-send", params={"purpose": purpose}, content=content, headers=headers)


def answers(response: httpx.Response) -> list[Any]:
    assert response.status_code == 200, response.text
    return [orjson.loads(line) for line in response.content.splitlines()]


async def test_every_reason_is_given(brand: Brand) -> None:
    await brand.fold(*HISTORY)
    expected = {
        "fine": ([], []),
        "blocked": (["blocked"], ["blocked"]),
        "erased": (["erased"], ["erased"]),
        "old": (["superseded"], ["superseded"]),
        "back": ([], []),
        "late": (["over_quota"], []),
        "stranger": (["not_subscribed"], []),
        "nobody": (["unknown"], ["unknown"]),
    }
    for uid, (marketing, others) in expected.items():
        assert [await one(brand, uid, purpose) for purpose in MARKETING] == [marketing] * 3, uid
        assert [await one(brand, uid, purpose) for purpose in OTHERS] == [others] * 3, uid
    assert await one(brand, "out", "broadcast") == ["opted_out"]
    assert await one(brand, "out", "web_push") == []
    body = b"".join(orjson.dumps(at(uid)) + b"\n" for uid in expected)
    for purpose, place in (("broadcast", 0), ("bot", 1)):
        found = answers(await post(brand, body, purpose=purpose))
        assert [(it["contact"], it["reasons"]) for it in found] == [
            (at(uid), reasons[place]) for uid, reasons in expected.items()
        ]


async def test_a_lowered_limit_holds_at_once_and_several_reasons_are_all_given(brand: Brand) -> None:
    await brand.fold(*HISTORY, quota(1, 1))
    assert await one(brand, "out", "broadcast") == ["opted_out", "over_quota"]
    assert await one(brand, "out", "welcome") == []


async def test_what_either_contact_of_an_address_refused_holds_for_both(brand: Brand) -> None:
    person = Identifier(type="whatsapp_user", value="p:TW.13491208655302741918")
    wrote = [
        event("message.received", number, contact=contact, message_id=f"m{number}", kind="text").model_copy(
            update={"intrinsic": [person]}
        )
        for number, contact in enumerate((NUMBER, BSUID))
    ]
    out = event("marketing.opted_out", 9, contact=BSUID, kinds=["broadcast"])
    await brand.fold(*wrote, out)
    body = b"".join(orjson.dumps({"contact": contact}) + b"\n" for contact in (NUMBER, BSUID))
    assert [it["reasons"] for it in answers(await post(brand, body))] == [["opted_out"]] * 2


async def test_a_list_of_many_batches_is_answered_in_its_order(brand: Brand) -> None:
    await brand.fold(*HISTORY)
    uids = ["fine" if number % 3 else f"none{number}" for number in range(1_203)]
    found = answers(await post(brand, b"\n".join(orjson.dumps(at(uid)) for uid in uids)))
    assert [(it["contact"], it["allowed"]) for it in found] == [(at(uid), uid == "fine") for uid in uids]
    assert answers(await post(brand, b"")) == []


async def test_another_tenants_contact_is_unknown(brand: Brand) -> None:
    await brand.fold(*HISTORY)
    (found,) = answers(await post(brand, orjson.dumps(at("fine")), key="other"))
    assert found["reasons"] == ["unknown"]
    assert (await post(brand, b"", key="writer")).status_code == 403


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "Line 1 is no JSON"),
        (b'"line:oa1:fine"\n7', "Line 2 names no contact"),
        (b'"' + b"a" * 5_000 + b'"', "Line 1 is longer"),
        (b"\n" * MOST_LINES + b'"line:oa1:fine"', "at most 100,000 lines"),
    ],
)
async def test_a_list_that_cant_be_read_is_refused_as_a_whole(brand: Brand, body: bytes, words: str) -> None:
    response = await post(brand, body)
    assert response.status_code == 422, response.text
    assert words in response.json()["detail"]


async def test_a_key_that_no_contact_can_have_is_unknown(brand: Brand) -> None:
    for name in ("fine", "line:oa1", "telegram:a:b", "", "line::x"):
        (found,) = answers(await post(brand, orjson.dumps(name)))
        assert found["reasons"] == ["unknown"]
