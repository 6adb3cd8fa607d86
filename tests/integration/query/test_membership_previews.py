"""Previews of commands: which customers would join and part, while nothing changes."""

from typing import Any

import httpx
import pytest

from projections.identity import preview as previewing
from tests.support.identity_events import bound, claimed, decided, merged, seen
from tests.support.read_api import Brand, id_of

LINE, WHATSAPP = "line:oa1:U1", "whatsapp:n1:886911111111"
OLD, NEW = "crm:erp:old", "crm:erp:new"
PHONE = "+886911111111"


async def ask(brand: Brand, path: str, body: Any, key: str = "demo") -> httpx.Response:
    headers = {"Authorization": f"Bearer {brand.keys[key]}"}
    return await brand.client.post(f"/v1/{path}", json=body, headers=headers)


def changes(answer: httpx.Response) -> list[tuple[str, str, list[str], list[str]]]:
    assert answer.status_code == 200, answer.text
    return sorted((one["type"], one["id"], one["before"], one["after"]) for one in answer.json()["changes"])


async def test_merging_two_members_joins_their_customers(brand: Brand) -> None:
    await brand.fold(bound(OLD, member_id="M/7", at=1), bound(NEW, member_id="N7", at=2), bound(LINE, member_id="N7"))
    before = await brand.json(f"/v1/customers/contact:{OLD}/contacts")
    answer = await ask(brand, "members/M%2F7/merge/preview", {"into": "N7"})
    assert changes(answer) == [
        ("merged", str(id_of(LINE)), [NEW, LINE], [NEW, OLD, LINE]),
        ("merged", str(id_of(OLD)), [OLD], []),
    ]
    assert answer.json()["refused"] == []
    assert await brand.json(f"/v1/customers/contact:{OLD}/contacts") == before
    assert await brand.connection.fetchval("SELECT count(*) FROM member_merges") == 0


async def test_taking_a_merge_back_parts_the_customers_again(brand: Brand) -> None:
    await brand.fold(bound(OLD, member_id="M7", at=1), bound(NEW, member_id="N7", at=2), merged("M7", "N7"))
    answer = await ask(brand, "members/M7/merge/preview", {"into": None})
    assert sorted((kind, after) for kind, _, _, after in changes(answer)) == [("split", [NEW]), ("split", [OLD])]


async def test_a_list_of_merges_is_tried_together(brand: Brand) -> None:
    await brand.fold(*(bound(f"crm:erp:{n}", member_id=f"M{n}", at=n) for n in range(4)))
    pairs = [{"member_id": f"M{n}", "into": f"M{n + 1}"} for n in range(3)]
    answer = await ask(brand, "members/merges/preview", {"merges": pairs})
    everybody = [f"crm:erp:{n}" for n in range(4)]
    assert ("merged", str(id_of("crm:erp:0")), ["crm:erp:0"], everybody) in changes(answer)
    assert answer.json()["changed"] == 4


async def test_a_decision_joins_or_parts_customers(brand: Brand) -> None:
    await brand.fold(seen(LINE, at=1), seen(WHATSAPP, phone=PHONE, at=2))
    joined = await ask(brand, "identity/decisions/preview", {"a": LINE, "b": WHATSAPP, "decision": "same"})
    assert [after for *_, after in changes(joined)] == [[LINE, WHATSAPP]]
    await brand.fold(decided(LINE, WHATSAPP, "same", at=3))
    parted = await ask(brand, "identity/decisions/preview", {"a": WHATSAPP, "b": LINE, "decision": "different"})
    assert sorted(after for *_, after in changes(parted)) == [[LINE], [WHATSAPP]]


async def test_a_decision_that_the_rules_refuse_says_so(brand: Brand) -> None:
    await brand.fold(bound(OLD, member_id="M7"), bound(NEW, member_id="N7"))
    answer = await ask(brand, "identity/decisions/preview", {"a": OLD, "b": NEW, "decision": "same"})
    assert changes(answer) == []
    (refused,) = answer.json()["refused"]
    assert (refused["type"], refused["reason"], refused["detail"]) == (
        "staff",
        "exclusive_conflict",
        ["member_id", "M7", "N7"],
    )


async def test_contacts_that_others_only_named_are_not_counted(brand: Brand) -> None:
    await brand.fold(bound(OLD, member_id="M7", link="web:shop:c1"), bound(NEW, member_id="N7"))
    answer = await ask(brand, "members/M7/merge/preview", {"into": "N7"})
    assert all("web:shop:c1" not in after for *_, after in changes(answer))
    assert max(one["after_count"] for one in answer.json()["changes"]) == 2


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        ("members/M7/merge/preview", {"into": "guest"}, 422, "the member id guest is on the block list"),
        ("members/null/merge/preview", {"into": "M7"}, 422, "the member id null is on the block list"),
        ("members/M7/merge/preview", {"into": 7}, 422, None),
        ("members/M7/merge/preview", {}, 422, None),
        ("members/merges/preview", {"merges": []}, 422, None),
        ("members/merges/preview", {"merges": [{"member_id": "M", "into": "N"}] * 101}, 422, None),
        ("identity/decisions/preview", {"a": LINE, "b": "line:oa1:U9", "decision": "same"}, 404, None),
        ("identity/decisions/preview", {"a": LINE, "b": LINE, "decision": "maybe"}, 422, None),
    ],
)
async def test_what_is_no_command_is_refused(
    brand: Brand, path: str, body: Any, status: int, detail: str | None
) -> None:
    await brand.fold(seen(LINE))
    answer = await ask(brand, path, body)
    assert answer.status_code == status, answer.text
    assert detail is None or answer.json()["detail"] == detail


async def test_another_tenants_contacts_are_not_found(brand: Brand) -> None:
    await brand.fold(seen(LINE), seen(WHATSAPP))
    body = {"a": LINE, "b": WHATSAPP, "decision": "same"}
    assert (await ask(brand, "identity/decisions/preview", body, key="other")).status_code == 404
    assert (await ask(brand, "identity/decisions/preview", body, key="writer")).status_code == 403


async def test_a_member_id_that_too_many_stated_is_too_much(brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previewing, "MOST_CONTACTS", 5)
    await brand.fold(*(claimed(f"web:shop:c{n}", member_id="M7", at=n) for n in range(6)))
    answer = await ask(brand, "members/M7/merge/preview", {"into": "N7"})
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/preview-too-large")
