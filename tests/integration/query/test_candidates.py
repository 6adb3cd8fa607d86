"""Customers that are probably one person: listed best first, with their signs, until somebody settles it."""

from typing import Any

import pytest

from projections.candidates.folds import find_candidates
from projections.candidates.queries import doubt_of, load_customers
from projections.candidates.tables import CANDIDATES, KEYS
from projections.engine.queries import all_rows
from projections.identity.resolutions import active_resolution
from schemas.events import Event
from services.worker.background.candidate_sweep import CandidateSweep
from tests.support.identity_events import bound, claimed, decided, event, merged, seen, stated
from tests.support.read_api import Brand, id_of

PHONE, MAIL = "+886912345678", "mei@example.com"
A, B, C = "crm:main:a", "crm:main:b", "line:oa:U1"


def named(contact: str, name: str, *, birthday: str | None = None, address: str | None = None) -> list[Event]:
    attributes = {"birthday": birthday, "address": address}
    set_ones = [
        event(contact, "attribute.set", {"key": key, "value": value, "type": "text"})
        for key, value in attributes.items()
        if value
    ]
    return [event(contact, "profile.updated", {"display_name": name}), *set_ones]


async def sweep(brand: Brand, *, page: int = 100) -> None:
    """Two sweeps, since a key may come to have too many holders in the first one."""
    for tenant in ("demo", "other"):
        for _ in range(2):
            await CandidateSweep(lambda: pytest.fail("not by itself"), page=page, rest=lambda *_: 0.0).sweep(
                brand.connection, tenant
            )


async def listed(brand: Brand, **params: Any) -> list[tuple[set[str], list[str]]]:
    page = await brand.json("/v1/identity/candidates", **params)
    return [({one["a"]["id"], one["b"]["id"]}, [sign["sign"] for sign in one["signs"]]) for one in page["candidates"]]


def ids(*contacts: str) -> set[str]:
    return {str(id_of(one)) for one in contacts}


TWO_MEMBERS = [stated(A, member_id="M1"), stated(B, member_id="M2"), bound(A, phone=PHONE), bound(B, phone=PHONE)]


async def test_two_members_with_one_verified_phone_are_a_candidate(brand: Brand) -> None:
    await brand.fold(*TWO_MEMBERS)
    await sweep(brand)
    page = await brand.json("/v1/identity/candidates")
    (found,) = page["candidates"]
    assert {(one["id"], one["contact"]) for one in (found["a"], found["b"])} == {(str(id_of(it)), it) for it in (A, B)}
    assert sorted(found["a"]["member_ids"] + found["b"]["member_ids"]) == ["M1", "M2"]
    assert [one["sign"] for one in found["signs"]] == ["phone"]
    assert PHONE in found["signs"][0]["words"]
    assert "exclusive type" in found["signs"][0]["words"]
    assert found["score"] >= 0.5
    assert page["compared_at"] is not None
    assert page["next"] is None


async def test_two_line_users_of_one_member_are_a_candidate(brand: Brand) -> None:
    other = "line:oa:U2"
    follows = [seen(C, line_user="p:U1"), seen(other, line_user="p:U2")]
    await brand.fold(*follows, claimed(C, member_id="M1"), claimed(other, member_id="M1", at=5))
    await sweep(brand)
    assert await listed(brand) == [(ids(C, other), ["member_id"])]


async def test_a_common_name_and_birthday_are_a_candidate_and_each_alone_is_none(brand: Brand) -> None:
    await brand.fold(
        *named(A, "Mei  LIN", birthday="1990-01-31"),
        *named(B, "Lin Mei", birthday="1990/1/31"),
        *named("crm:main:c", "Lin Mei"),
        *named("crm:main:d", "Ann Wu", birthday="1990-01-31"),
    )
    await sweep(brand)
    assert await listed(brand) == [(ids(A, B), ["name", "birthday"])]


def aliased(member: str, previous: str) -> list[Event]:
    """What a website's alias becomes."""
    own = f"web:shop:user:{member}"
    return [
        claimed(own, member_id=member),
        event(own, "web.alias", {"previousId": previous, "userId": member}),
    ]


async def test_a_member_that_an_alias_names_as_another_ones_former_id_is_a_candidate(brand: Brand) -> None:
    await brand.fold(*aliased("M2", "M1"), *named("web:shop:user:M2", "Mei Lin"))
    await sweep(brand)
    assert await listed(brand) == []  # M1 is nobody's yet
    await brand.fold(stated(A, member_id="M1"), *named(A, "Ann Wu"))
    await sweep(brand)
    ((pair, signs),) = await listed(brand)
    assert (pair, signs[0]) == (ids(A, "web:shop:user:M2"), "alias")


async def test_a_merge_takes_an_alias_off(brand: Brand) -> None:
    await brand.fold(*aliased("M2", "M1"), stated(A, member_id="M1"))
    await sweep(brand)
    assert len(await listed(brand)) == 1
    await brand.fold(merged("M1", "M2"))
    assert await listed(brand) == []


@pytest.mark.parametrize("decision", ["same", "different"])
async def test_a_decision_takes_the_pair_off_at_once(brand: Brand, decision: str) -> None:
    await brand.fold(*TWO_MEMBERS)
    await sweep(brand)
    assert len(await listed(brand)) == 1
    await brand.fold_identity(decided(A, B, decision, at=9))
    assert await listed(brand) == []
    await brand.fold_identity(decided(B, A, "undecided", at=10))
    assert len(await listed(brand)) == 1


async def test_a_merge_of_the_members_takes_the_pair_off_at_once(brand: Brand) -> None:
    await brand.fold(*TWO_MEMBERS)
    await sweep(brand)
    await brand.fold_identity(merged("M1", "M2", at=9))
    assert await listed(brand) == []


async def test_customers_that_only_others_named_are_no_candidates(brand: Brand) -> None:
    await brand.fold_identity(*TWO_MEMBERS)
    await brand.fold_contacts(TWO_MEMBERS[0])
    await sweep(brand)
    assert await listed(brand, min_score=0.2) == []


async def test_a_tenants_customers_are_no_candidates_of_anothers(brand: Brand) -> None:
    await brand.fold(*(one.model_copy(update={"tenant": "other"}) for one in TWO_MEMBERS))
    await sweep(brand)
    assert await listed(brand) == []
    page = await brand.json("/v1/identity/candidates", key="other")
    assert len(page["candidates"]) == 1


async def test_pages_hold_each_candidate_once_best_first(brand: Brand) -> None:
    events = [
        one
        for number in range(7)
        for side in ("x", "y")
        for one in named(
            f"crm:main:{side}{number}",
            f"Name{number} of the Family",
            birthday=f"1990-01-{number + 1:02}",
            address=f"Road {number} No 1" if number % 2 else None,
        )
    ]
    await brand.fold(*events)
    await sweep(brand, page=3)
    found: list[Any] = []
    cursor: str | None = None
    while True:
        page = await brand.json("/v1/identity/candidates", limit=2, **({"cursor": cursor} if cursor else {}))
        found += page["candidates"]
        if (cursor := page["next"]) is None:
            break
    assert len({(one["a"]["id"], one["b"]["id"]) for one in found}) == len(found) == 7
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)


async def test_pairs_and_keys_of_customers_that_are_no_more_are_deleted(brand: Brand) -> None:
    await brand.fold(*TWO_MEMBERS)
    await sweep(brand)
    before = await rows(brand)
    await brand.fold_identity(merged("M1", "M2", at=9))
    await sweep(brand)
    assert len(before) > len(await rows(brand))
    assert all(id_of(B) not in row for row in await rows(brand))


async def test_the_list_is_what_all_customers_compared_with_each_other_give(brand: Brand) -> None:
    crowd = [one for number in range(60) for one in named(f"crm:main:{number}", "Lin Mei", birthday="1990-01-31")]
    pairs = [one for n in range(20) for one in named(f"crm:main:p{n}", f"Ann Wu{n // 2}", address=f"Road {n // 2}")]
    await brand.fold(*TWO_MEMBERS, *crowd, *pairs)
    await sweep(brand, page=7)
    async with brand.connection.transaction(isolation="repeatable_read"):
        resolution = (await active_resolution(brand.connection, "demo")).key
        everybody = await brand.connection.fetch("SELECT contact_id FROM contacts WHERE tenant = 'demo'")
        customers = await load_customers(brand.connection, resolution, [one for (one,) in everybody])
        stored = await all_rows(brand.connection, CANDIDATES)
    expected = {("demo", *pair): doubt_of(one.score) for pair, one in find_candidates(customers).items()}
    assert {key: row[-1] for key, row in stored.items()} == expected
    assert len(expected) == 11


async def test_a_cursor_that_was_never_given_out_is_refused(brand: Brand) -> None:
    for cursor in ("nonsense", "A" * 48, "é"):
        response = await brand.get("/v1/identity/candidates", cursor=cursor)
        assert response.status_code in {200, 400}
    assert (await brand.get("/v1/identity/candidates", cursor="nonsense")).status_code == 400


async def rows(brand: Brand) -> list[Any]:
    async with brand.connection.transaction():
        return [row for table in (KEYS, CANDIDATES) for row in (await all_rows(brand.connection, table)).values()]
