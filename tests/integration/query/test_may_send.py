"""May I send? One contact and a list give the same answers, with every reason."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from schemas.events import Event, Identifier
from services.query.core.send_models import MOST_LINES
from tests.support.contact_records import event
from tests.support.quota import quota
from tests.support.read_api import Brand
from tests.support.serving import served

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
        (b'\n7\n"line:oa1:fine"', "Line 2 names no contact"),
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


class Sender:
    """A client that sends a list in chunks of its own, and reads when it wants to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._head, self._read = b"", b""

    async def send(self, piece: bytes) -> None:
        self._writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await self._writer.drain()

    async def line(self) -> Any:
        """The next line of the answer."""
        self._head = self._head or await self._reader.readuntil(b"\r\n\r\n")
        while b"\n" not in self._read:
            size = int(await self._reader.readline(), 16)
            assert size, "the answer ended"
            self._read += (await self._reader.readexactly(size + 2))[:-2]
        line, _, self._read = self._read.partition(b"\n")
        return orjson.loads(line)


@asynccontextmanager
async def sender(brand: Brand) -> AsyncIterator[Sender]:
    async with served(brand.app) as address:
        host, _, port = address.partition(":")
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        one.setblocking(False)  # noqa: FBT003 - of the standard library
        await asyncio.get_running_loop().sock_connect(one, (host, int(port)))
        reader, writer = await asyncio.open_connection(sock=one)
        head = (
            f"POST /v1/may-send?purpose=broadcast HTTP/1.1\r\nHost: {address}\r\n"
            f"Authorization: Bearer {brand.keys['demo']}\r\nContent-Type: application/x-ndjson\r\n"
            "Transfer-Encoding: chunked\r\n\r\n"
        )
        writer.write(head.encode())
        try:
            yield Sender(reader, writer)
        finally:
            writer.transport.abort()


async def test_a_line_is_answered_before_the_next_is_sent_and_a_bad_one_ends_the_answers(brand: Brand) -> None:
    await brand.fold(*HISTORY)
    async with asyncio.timeout(240), sender(brand) as slow:
        for uid, reasons in (("fine", []), ("blocked", ["blocked"]), ("nobody", ["unknown"])):
            await slow.send(orjson.dumps(at(uid)) + b"\n")
            assert (await slow.line())["reasons"] == reasons
        await slow.send(b"7\n")
        last = await slow.line()
    assert (last["type"], last["status"]) == ("/problems/invalid-request", 422)
    assert last["detail"].startswith("Line 4 names no contact")


async def test_a_short_list_that_arrives_at_once_is_refused_as_a_whole(brand: Brand) -> None:
    headers = {"Authorization": f"Bearer {brand.keys['demo']}"}
    async with served(brand.app) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
        path = "/v1/may-send?purpose=broadcast"
        response = await client.post(path, content=b'"line:oa1:fine"\n7', headers=headers, timeout=240)
    assert response.status_code == 422, response.text
    assert "Line 2 names no contact" in response.json()["detail"]


async def test_who_sends_all_before_reading_anything_is_answered(brand: Brand) -> None:
    lines = [orjson.dumps(at(f"{number}-{'x' * 200}")) for number in range(15_000)]
    async with asyncio.timeout(240), sender(brand) as eager:
        for start in range(0, len(lines), 500):
            await eager.send(b"\n".join(lines[start : start + 500]) + b"\n")
        await eager.send(b"")
        found = [orjson.dumps((await eager.line())["contact"]) for _ in lines]
    assert found == lines
