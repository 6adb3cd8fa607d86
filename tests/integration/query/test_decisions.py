"""What people decided is listed with who and when, and what was taken back says so."""

from typing import Any

from tests.support.identity_events import T0, bound, decided, event, merged
from tests.support.read_api import Brand, id_of

A, B, C = "line:oa1:U1", "web:shop:c1", "crm:erp:1"


async def all_of(brand: Brand, path: str, name: str) -> list[Any]:
    """Every entry of a list, read with pages of one."""
    found: list[Any] = []
    more: dict[str, Any] = {"limit": 1}
    while True:
        page = await brand.json(path, "demo", **more)
        found += page[name]
        if page["next"] is None:
            return found
        more["cursor"] = page["next"]


async def test_the_latest_decision_about_a_pair_is_listed_whoever_states_it(brand: Brand) -> None:
    await brand.fold(
        *(event(one, "contact.followed", {}, at=1) for one in (A, B, C)),
        decided(A, B, "same", at=2, event_id="d2"),
        decided(B, A, "different", at=4, event_id="d4"),
        decided(C, A, "same", at=3, event_id="d3"),
        decided(B, C, "undecided", at=3, event_id="d3b"),
    )
    listed = await all_of(brand, "/v1/identity/decisions", "decisions")
    assert [(one["event_id"], one["a"], one["b"], one["decision"]) for one in listed] == [
        ("d4", B, A, "different"),
        ("d3b", B, C, "undecided"),
        ("d3", C, A, "same"),
    ]
    assert (listed[0]["by"], listed[0]["note"], listed[0]["at"]) == ("amy", None, T0 + 4)
    assert listed[0]["a_customer_id"] == str(id_of(B))
    assert listed[2]["a_customer_id"] == listed[2]["b_customer_id"]
    of_one = await brand.json(f"/v1/customers/contact:{B}/identity/decisions")
    assert [one["event_id"] for one in of_one["decisions"]] == ["d4", "d3b"]
    assert (of_one["merges"], of_one["complete"]) == ([], True)
    assert (await brand.json("/v1/identity/decisions", "other"))["decisions"] == []


async def test_merged_member_ids_are_listed_and_what_was_taken_back_says_so(brand: Brand) -> None:
    await brand.fold(bound(C, member_id="N1", at=1))
    await brand.fold_identity(
        merged("M1", "N1", at=2, event_id="m2"),
        merged("M0", "M1", at=3, event_id="m3"),
        merged("X1", "X2", at=4, event_id="m4"),
        merged("X1", None, at=5, event_id="m5"),
    )
    listed = await all_of(brand, "/v1/members/merges", "merges")
    assert [(one["event_id"], one["member_id"], one["into"]) for one in listed] == [
        ("m5", "X1", None),
        ("m3", "M0", "M1"),
        ("m2", "M1", "N1"),
    ]
    of_one = await brand.json("/v1/customers/member:M0/identity/decisions")
    assert [one["event_id"] for one in of_one["merges"]] == ["m3", "m2"]
    assert (await brand.json("/v1/members/merges", "other"))["merges"] == []
    assert (await brand.get("/v1/members/merges", cursor="x")).status_code == 400
