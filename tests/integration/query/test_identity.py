"""Identity over HTTP: a customer by any name, explanations, conflicts, and the undoing of a merge."""

from typing import Any

import pytest

from schemas.events import Event
from tests.support.identity_events import T0, bound, claimed, decided, seen, unbound
from tests.support.read_api import Brand, id_of
from tests.support.worked_example import (
    ALL,
    ANOTHER_LOGS_IN,
    BINDS,
    C1,
    C2,
    FOLLOWS,
    LINE,
    LOGIN_TAKEN_BACK,
    LOGS_IN,
    ONE_CUSTOMER,
    PHONE,
    WHATSAPP,
    WRITES,
)


def contacts_in(customer: Any) -> list[str]:
    return [one["contact"] for one in customer["contacts"]]


def ties(listed: Any) -> list[tuple[str, str, str, str | None]]:
    return [(one["contact"], one["type"], one["status"], one["reason"]) for one in listed]


def in_other(event: Event) -> Event:
    return event.model_copy(update={"tenant": "other"})


NAMES = [
    *(str(id_of(contact)) for contact in (LINE, C1, WHATSAPP)),
    *(f"contact:{contact}" for contact in (LINE, C1, WHATSAPP)),
    "member:M7",
    "member:%20M7%20",
    "phone:+886911111111",
    "phone:0911-111-111",
]


async def test_a_customer_answers_to_all_its_names(brand: Brand, subtests: pytest.Subtests) -> None:
    await brand.fold(*ONE_CUSTOMER)
    customer = await brand.json(f"/v1/customers/contact:{LINE}")
    assert (customer["id"], contacts_in(customer)) == (str(id_of(C1)), [LINE, C1, WHATSAPP])
    assert (customer["member_id"], customer["phone"], customer["email"]) == ("M7", PHONE, None)
    for name in NAMES:
        with subtests.test(name=name):
            assert await brand.json(f"/v1/customers/{name}") == customer
            assert len((await brand.json(f"/v1/customers/{name}/timeline"))["events"]) == len(ONE_CUSTOMER)
    contact = await brand.json(f"/v1/contacts/{LINE.replace(':', '/')}")
    assert contact["customer_id"] == customer["id"]
    assert contact in customer["contacts"]


async def test_the_worked_example_splits_and_merges_again(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER)
    before = await brand.json(f"/v1/customers/{id_of(WHATSAPP)}")
    await brand.fold(ANOTHER_LOGS_IN)
    apart = {name: await brand.json(f"/v1/customers/contact:{name}") for name in (LINE, C1, C2, WHATSAPP)}
    assert {name: one["id"] for name, one in apart.items()} == {
        LINE: str(id_of(C1)),
        C1: str(id_of(C1)),
        C2: str(id_of(C2)),
        WHATSAPP: str(id_of(WHATSAPP)),
    }
    why = await brand.json("/v1/identity/why", a=LINE, b=WHATSAPP)
    assert (why["together"], why["because"]) == (False, "refused")
    assert (C1, "phone", "refused", "shared") in ties(why["chain"])
    await brand.fold(LOGIN_TAKEN_BACK)
    assert await brand.json(f"/v1/customers/{id_of(WHATSAPP)}") == before
    assert (await brand.json("/v1/customers/member:M7"))["id"] == before["id"]
    assert (await brand.get("/v1/customers/member:M8")).status_code == 404


async def test_the_order_of_events_does_not_show(brand: Brand) -> None:
    await brand.fold(*ALL)
    await brand.fold(*(in_other(event) for event in reversed(ALL)))
    ours, theirs = [await brand.json(f"/v1/customers/contact:{LINE}/identity", key) for key in ("demo", "other")]
    assert ours["id"] != theirs["id"]
    assert [ours[part] for part in ("founder", "accepted", "refused")] == [
        theirs[part] for part in ("founder", "accepted", "refused")
    ]


async def test_a_value_of_several_customers_is_answered_with_the_candidates(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER, ANOTHER_LOGS_IN)
    for rest in ("", "/contacts", "/timeline", "/identity"):
        response = await brand.get(f"/v1/customers/phone:{PHONE}{rest}")
        assert response.status_code == 409
        problem = response.json()
        assert problem["type"] == "/problems/several-customers"
        assert problem["candidates"][0] == str(id_of(WHATSAPP))  # its channel vouches for the phone
        assert set(problem["candidates"]) == {str(id_of(one)) for one in (C1, C2, WHATSAPP)}
        assert PHONE not in response.text


async def test_why_two_contacts_are_one(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER)
    why = await brand.json("/v1/identity/why", a=LINE, b=str(id_of(WHATSAPP)))
    assert (why["together"], why["because"], why["decided_different"]) == (True, "linked", False)
    assert why["a"] == {"contact": LINE, "id": str(id_of(LINE)), "customer_id": str(id_of(C1))}
    assert why["b"] == {"contact": WHATSAPP, "id": str(id_of(WHATSAPP)), "customer_id": str(id_of(C1))}
    assert [(one["contact"], one["type"], one["value"], one["tier"], one["reason"]) for one in why["chain"]] == [
        (LINE, "contact", C1, 2, None),
        (C1, "phone", PHONE, 3, None),
        (WHATSAPP, "phone", PHONE, 2, None),
    ]
    assert why["chain"][1]["events"] == [
        {"event_id": LOGS_IN.event_id, "at": T0 + 2, "says": "first"},
        {"event_id": LOGS_IN.event_id, "at": T0 + 2, "says": "claimed"},
    ]
    same = await brand.json("/v1/identity/why", a=LINE, b=f"contact:{LINE}")
    assert (same["together"], same["because"], same["chain"]) == (True, "same_contact", [])


async def test_contacts_without_common_evidence_have_missing_evidence(brand: Brand) -> None:
    """One of them has only ever followed, so identity knows nothing of it."""
    await brand.fold(FOLLOWS, LOGS_IN)
    why = await brand.json("/v1/identity/why", a=LINE, b=C1)
    assert (why["together"], why["because"], why["chain"]) == (False, "missing_evidence", [])
    alone = await brand.json(f"/v1/customers/contact:{LINE}/identity")
    assert (alone["id"], alone["founder"], alone["accepted"], alone["refused"]) == (str(id_of(LINE)), LINE, [], [])


async def test_an_unbinding_is_the_obstacle_in_the_chain(brand: Brand) -> None:
    await brand.fold(bound(LINE, link=C1, at=1), unbound(LINE, link=C1, at=2))
    why = await brand.json("/v1/identity/why", a=LINE, b=C1)
    assert why["because"] == "refused"
    assert ties(why["chain"]) == [(LINE, "contact", "set_aside", "retracted")]
    assert [one["says"] for one in why["chain"][0]["events"]] == ["first", "retracted"]


async def test_a_staff_decision_merges_and_splits(brand: Brand) -> None:
    same = decided(LINE, C2, "same", at=1)
    await brand.fold(same, FOLLOWS, LOGS_IN, BINDS)
    why = await brand.json("/v1/identity/why", a=C2, b=LINE)
    assert ties(why["chain"]) == [(LINE, "staff", "accepted", None)]
    assert why["chain"][0]["events"] == [{"event_id": same.event_id, "at": T0 + 1, "says": "decided"}]
    await brand.fold(decided(C1, LINE, "different", at=9))
    why = await brand.json("/v1/identity/why", a=C1, b=LINE)
    assert (why["together"], why["decided_different"]) == (False, True)
    assert ties(why["chain"]) == [(LINE, "contact", "refused", "decided_different")]
    assert why["chain"][0]["detail"] == [LINE, C1]


async def test_a_customers_links_include_the_refused_ones(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER, ANOTHER_LOGS_IN)
    graph = await brand.json("/v1/customers/member:M7/identity")
    assert (graph["id"], graph["founder"], graph["member_id"]) == (str(id_of(C1)), C1, "M7")
    assert graph["contacts"] == [{"contact": one, "id": str(id_of(one))} for one in (LINE, C1)]
    assert ties(graph["accepted"]) == [(C1, "member_id", "accepted", None), (LINE, "contact", "accepted", None)]
    assert ties(graph["refused"]) == [(C1, "phone", "refused", "shared")]


async def test_a_contact_that_others_named_exists_before_its_first_event(brand: Brand) -> None:
    await brand.fold(FOLLOWS, BINDS)
    customer = await brand.json(f"/v1/customers/contact:{C1}")
    assert contacts_in(customer) == [LINE, C1]
    contact = await brand.json(f"/v1/contacts/{C1.replace(':', '/')}")
    assert contact == customer["contacts"][1]
    assert (contact["first_seen_at"], contact["valid"], contact["customer_id"]) == (None, False, customer["id"])
    assert await brand.json(f"/v1/contacts/{C1.replace(':', '/')}/timeline") == {"events": [], "next": None}
    assert (await brand.json("/v1/identity/why", a=C1, b=LINE))["together"] is True


async def test_conflicts_come_newest_first_page_by_page(brand: Brand) -> None:
    events = []
    for n in range(5):
        values = {"phone": f"+8869111111{n:02}"}
        events += [claimed(f"web:shop:a{n}", member_id=f"A{n}", at=10 * n, **values)]
        events += [claimed(f"web:shop:b{n}", member_id=f"B{n}", at=10 * n + 5, **values)]
    await brand.fold(*events, in_other(events[0]))
    seen_at: list[tuple[int, str]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await brand.json("/v1/identity/conflicts", limit=3, **cursor)
        assert len(page["conflicts"]) <= 3
        seen_at += [(one["at"] - T0, one["contact"]) for one in page["conflicts"]]
        assert {(one["type"], one["tier"], one["reason"]) for one in page["conflicts"]} == {("phone", 3, "shared")}
        assert all(one["customer_id"] == one["contact_id"] for one in page["conflicts"])
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert [at for at, _ in seen_at] == sorted((at for at, _ in seen_at), reverse=True)
    assert sorted(contact for _, contact in seen_at) == sorted(f"web:shop:{who}{n}" for who in "ab" for n in range(5))
    assert (await brand.json("/v1/identity/conflicts", "other"))["conflicts"] == []


async def test_a_value_with_too_many_holders_is_not_walked(brand: Brand) -> None:
    """Too many contacts hold the phone, so it ties none of them: an answer about one does not list the others."""
    crowd = [seen(f"line:oa1:K{n:03}", phone=PHONE, at=n) for n in range(300)]
    await brand.fold(*crowd)
    response = await brand.get(f"/v1/customers/phone:{PHONE}")
    assert (response.status_code, len(response.json()["candidates"])) == (409, 200)
    graph = await brand.json("/v1/customers/contact:line:oa1:K007/identity")
    assert len(graph["contacts"]) == 1
    assert ties(graph["refused"]) == [("line:oa1:K007", "phone", "refused", "generic")]
    why = await brand.json("/v1/identity/why", a="line:oa1:K007", b="line:oa1:K008")
    assert ties(why["chain"]) == [(f"line:oa1:K00{n}", "phone", "refused", "generic") for n in (7, 8)]


async def test_another_tenants_evidence_is_not_found(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER)
    for path in ("customers/member:M7", f"customers/phone:{PHONE}", f"customers/{id_of(C1)}/identity"):
        assert (await brand.get(f"/v1/{path}", "other")).status_code == 404
    await brand.fold(*(in_other(event) for event in (FOLLOWS, LOGS_IN, WRITES)))
    assert (await brand.get("/v1/identity/why", "other", a=str(id_of(LINE)), b=str(id_of(C1)))).status_code == 404
    assert (await brand.json("/v1/identity/why", "other", a=LINE, b=C1))["together"] is False
    theirs = await brand.json("/v1/customers/member:M7", "other")
    assert (theirs["id"], contacts_in(theirs)) == (str(id_of(C1, "other")), [C1, WHATSAPP])
