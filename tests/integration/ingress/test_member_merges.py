"""Which member ids became others, over HTTP: into the log, into the read models, and taken back."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from services.control.keys import add_key
from tests.support.ingress import RunningIngress, assert_problem
from tests.support.shop import Shop, open_shop

NDJSON, CSV = ({"Content-Type": kind} for kind in ("application/x-ndjson", "text/csv"))
AT = 1_760_000_000_000
PHONE = "+886911111111"


@pytest.fixture
async def shop(ingress: RunningIngress) -> AsyncIterator[Shop]:
    async with open_shop(ingress) as opened:
        yield opened


async def customers_of(shop: Shop, *members: str) -> list[str]:
    await shop.fold()
    return [(await shop.get(f"/v1/customers/contact:crm:crm:{quote(member, safe='')}"))["id"] for member in members]


async def test_two_members_are_one_customer_once_merged_and_two_again_once_taken_back(shop: Shop) -> None:
    for member in ("M/7", "N7"):
        await shop.accepted("PUT", f"/v1/members/{quote(member, safe='')}", {"attributes": {"of": member}})
    old, new = await customers_of(shop, "M/7", "N7")
    assert old != new
    answer = await shop.accepted("POST", "/v1/members/M%2F7/merge", {"into": "N7", "by": "crm"})
    (event,) = [event for _, event in await shop.ingress.log() if event.type == "member.merged"]
    assert (answer, event.contact) == ({"event_id": event.event_id}, None)
    assert event.model_dump()["data"] == {"member_id": "M/7", "into": "N7", "by": "crm"}
    old, new = await customers_of(shop, "M/7", "N7")
    assert old == new
    assert (await shop.get("/v1/customers/contact:crm:crm:N7"))["member_id"] == "N7"
    await shop.accepted("DELETE", "/v1/members/M%2F7/merge?by=crm")
    old, new = await customers_of(shop, "M/7", "N7")
    assert old != new


async def test_all_of_a_tenants_merges_share_a_partition(shop: Shop) -> None:
    await shop.accepted("POST", "/v1/members/merges", b"member_id,into\nM1,N1\nM2,N2\n", **CSV)
    assert {key for key, _ in await shop.ingress.log()} == {"acme|"}


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (CSV, b"member_id,into,by\r\nM7,N7,crm\r\nguest,N8,\r\nM9\r\nM8,N8,\r\n"),
        (
            NDJSON,
            b"\n".join(
                (
                    b'{"member_id": "M7", "into": "N7", "by": "crm"}',
                    b"",
                    b'{"member_id": "guest", "into": "N8"}',
                    b'{"member_id": "M9"}',
                    b'{"member_id": "M8", "into": "N8"}',
                )
            ),
        ),
    ],
)
async def test_of_a_list_each_line_is_a_merge_or_refused_with_its_number(
    shop: Shop, headers: dict[str, str], body: bytes
) -> None:
    answer = await shop.accepted("POST", "/v1/members/merges", body, **headers)
    assert (answer["accepted"], answer["rejected"], answer["refused_left_off"]) == (2, 2, 0)
    assert [(one["reason"], one["field"]) for one in answer["refused"]] == [
        ("blocked", "member_id"),
        ("invalid_field", "into"),
    ]
    assert [one["line"] for one in answer["refused"]] == [3, 4]
    merged = [event.model_dump()["data"] for _, event in await shop.ingress.log()]
    assert {(one["member_id"], one["into"], one["by"]) for one in merged} == {("M7", "N7", "crm"), ("M8", "N8", None)}


async def test_a_list_of_thousands_is_taken_and_a_repeat_with_its_key_changes_nothing(shop: Shop) -> None:
    body = b"member_id,into\n" + b"".join(b"M%d,N%d\n" % (number, number) for number in range(3_000))
    headers = CSV | {"Idempotency-Key": "crm-2026"}
    for _ in range(2):
        answer = await shop.accepted("POST", "/v1/members/merges", body, **headers)
        assert (answer["accepted"], answer["rejected"]) == (3_000, 0)
    log = [event.event_id for _, event in await shop.ingress.log()]
    assert (len(log), len(set(log))) == (6_000, 3_000)


async def test_what_is_no_merge_is_refused(shop: Shop) -> None:
    path = "/v1/members/M7/merge"
    problem = assert_problem(await shop.send("POST", "/v1/members/guest/merge", {"into": "N7"}), 422, "no-merge")
    assert (problem["reason"], problem["field"]) == ("blocked", "member_id")
    assert problem["detail"] == "the member id guest is on the block list"
    wrong: list[Any] = [{"into": None}, {"into": " "}, {"into": "M7"}, {"into": "N7", "by": ""}, {}, []]
    for body in wrong:
        assert_problem(await shop.send("POST", path, body), 422, "no-merge")
    assert_problem(await shop.send("POST", path, b"{"), 400, "malformed-body")
    assert_problem(await shop.send("DELETE", "/v1/members/undefined/merge"), 422, "no-merge")
    assert_problem(await shop.send("DELETE", f"{path}?by="), 422, "invalid-request")
    shop.key = await add_key(shop.ingress.engine, "acme", ["customers:read"])
    assert_problem(await shop.send("POST", path, {"into": "N7"}), 403, "forbidden")
    assert_problem(await shop.send("POST", "/v1/members/merges", b"", **CSV), 403, "forbidden")
    assert await shop.ingress.log() == []


async def test_a_list_that_is_none_is_refused(shop: Shop) -> None:
    cases: list[tuple[bytes, dict[str, str], int, str]] = [
        (b"", CSV, 400, "malformed-body"),
        (b"member_id,phone\nM7,1\n", CSV, 422, "no-merge"),
        (b"member_id,into\nguest,N7\n", CSV, 422, "no-acceptable-line"),
        (b"M7 N7", {"Content-Type": "text/plain"}, 415, "unsupported-list"),
        (b"member_id,into\nM7,N7\n", CSV | {"Idempotency-Key": "x" * 256}, 422, "invalid-request"),
    ]
    for body, headers, status, slug in cases:
        assert_problem(await shop.send("POST", "/v1/members/merges", body, **headers), status, slug)
    assert await shop.ingress.log() == []


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/v1/members/M7/merge", {"into": "N7"}, {}),
        ("/v1/members/merges", b"member_id,into\nM7,N7\nM8,N8\n", CSV),
    ],
)
async def test_who_waits_is_answered_when_the_merge_is_in_the_read_models(
    shop: Shop, path: str, body: Any, headers: dict[str, str]
) -> None:
    waiting = asyncio.create_task(shop.accepted("POST", f"{path}?wait=true", body, **headers))
    while not await shop.ingress.log():
        await asyncio.sleep(0.05)
    assert not waiting.done()
    while not waiting.done():
        await shop.fold()
        await asyncio.wait([waiting], timeout=0.2)
    assert (await waiting)["visible"] is True
    assert await shop.connection.fetchval("SELECT count(*) FROM member_merges") > 0


@pytest.mark.parametrize("visible_within", [0.3])
async def test_who_waits_in_vain_for_a_merge_is_answered_so(shop: Shop) -> None:
    answer = await shop.accepted("POST", "/v1/members/M7/merge?wait=true", {"into": "N7"})
    assert answer["visible"] is False


async def test_staff_cannot_make_two_members_one_but_learn_how(shop: Shop) -> None:
    for member in ("M/7", "N7"):
        await shop.accepted("PUT", f"/v1/members/{quote(member, safe='')}", {})
    await shop.fold()
    decision = {"a": "crm:crm:M/7", "b": "crm:crm:N7", "decision": "same", "by": "amy"}
    problem = assert_problem(await shop.send("POST", "/v1/identity/decisions", decision), 409, "two-members")
    assert problem["member_ids"] == ["M/7", "N7"]
    request = problem["request"]
    assert request == {"method": "POST", "path": "/v1/members/M%2F7/merge", "body": {"into": "N7", "by": "amy"}}
    assert not any(event.type == "identity.decided" for _, event in await shop.ingress.log())
    for other in ("different", "undecided"):
        await shop.accepted("POST", "/v1/identity/decisions", decision | {"decision": other})
    await shop.accepted(request["method"], request["path"], request["body"])
    old, new = await customers_of(shop, "M/7", "N7")
    assert old == new
    await shop.accepted("POST", "/v1/identity/decisions", decision)


async def test_staff_may_join_a_member_with_somebody_without_a_member_id(shop: Shop) -> None:
    await shop.accepted("PUT", "/v1/members/M7", {})
    await shop.fold()
    decision = {"a": "crm:crm:M7", "b": "line:oa1:U1", "decision": "same", "by": "amy"}
    await shop.accepted("POST", "/v1/identity/decisions", decision)
    await shop.fold()
    await shop.accepted("POST", "/v1/identity/decisions", decision)


async def test_a_decision_is_accepted_while_the_read_models_are_away(shop: Shop) -> None:
    for member in ("M7", "N7"):
        await shop.accepted("PUT", f"/v1/members/{member}", {})
    await shop.fold()
    await shop.connection.execute("DELETE FROM onefold.generations")
    decision = {"a": "crm:crm:M7", "b": "crm:crm:N7", "decision": "same", "by": "amy"}
    await shop.accepted("POST", "/v1/identity/decisions", decision)
