"""Identity over HTTP: a customer by any name, explanations, conflicts, and the undoing of a merge."""

from typing import Any

import pytest

from projections.identity import exploring
from schemas.events import Event
from tests.support.identity_events import T0, bound, claimed, decided, erased, merged, seen, stated, unbound
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


async def test_a_value_that_links_one_customer_is_that_customers(brand: Brand) -> None:
    """WhatsApp vouches for the phone; what two members claim of it is refused."""
    await brand.fold(*ONE_CUSTOMER, ANOTHER_LOGS_IN)
    assert (await brand.json(f"/v1/customers/phone:{PHONE}"))["id"] == str(id_of(WHATSAPP))


async def test_a_value_of_several_customers_is_answered_with_the_candidates(brand: Brand) -> None:
    await brand.fold(LOGS_IN, ANOTHER_LOGS_IN)
    for rest in ("", "/contacts", "/timeline", "/identity"):
        response = await brand.get(f"/v1/customers/phone:{PHONE}{rest}")
        assert response.status_code == 409
        problem = response.json()
        assert problem["type"] == "/problems/several-customers"
        assert set(problem["candidates"]) == {str(id_of(one)) for one in (C1, C2)}
        assert PHONE not in response.text


async def test_why_two_contacts_are_one(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER)
    why = await brand.json("/v1/identity/why", a=LINE, b=str(id_of(WHATSAPP)))
    assert (why["together"], why["because"], why["decided_different"]) == (True, "linked", False)
    customer = str(id_of(C1))
    assert why["a"] == {"contact": LINE, "session": None, "id": str(id_of(LINE)), "customer_id": customer}
    assert why["b"] == {"contact": WHATSAPP, "session": None, "id": str(id_of(WHATSAPP)), "customer_id": customer}
    assert [(one["contact"], one["type"], one["value"], one["tier"], one["reason"]) for one in why["chain"]] == [
        (LINE, "contact", C1, 2, None),
        (C1, "phone", PHONE, 4, None),
        (WHATSAPP, "phone", PHONE, 2, None),
    ]
    assert [(one["session"], one["value_session"]) for one in why["chain"]] == [
        (None, "M7"),
        ("M7", None),
        (None, None),
    ]
    assert why["chain"][1]["events"] == [
        {"event_id": LOGS_IN.event_id, "at": T0 + 2, "first_at": T0 + 2, "says": "claimed"}
    ]
    assert (why["set_aside"], why["would_join"], why["complete"]) == ([], [], True)
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
    await brand.fold(bound(LINE, link=C1, at=1), unbound(LINE, link=C1, at=2), seen(C1, at=3))
    why = await brand.json("/v1/identity/why", a=LINE, b=C1)
    assert why["because"] == "set_aside"
    assert ties(why["chain"]) == [(LINE, "contact", "set_aside", "retracted")]
    assert [one["says"] for one in why["chain"][0]["events"]] == ["verified", "retracted"]
    assert [one["text"] for one in why["would_join"]] == ["The contact was taken back: state it again if it is right."]


async def test_a_staff_decision_merges_and_splits(brand: Brand) -> None:
    same = decided(LINE, C2, "same", at=1)
    await brand.fold(same, FOLLOWS, LOGS_IN, BINDS, seen(C2))
    why = await brand.json("/v1/identity/why", a=C2, b=LINE)
    assert ties(why["chain"]) == [(LINE, "staff", "accepted", None)]
    assert why["chain"][0]["events"] == [
        {"event_id": same.event_id, "at": T0 + 1, "first_at": T0 + 1, "says": "decided"}
    ]
    links = await brand.json(f"/v1/customers/contact:{LINE}/identity")
    assert (LINE, "staff", "accepted", None) in ties(links["accepted"])
    await brand.fold(decided(C1, LINE, "different", at=9))
    why = await brand.json("/v1/identity/why", a=C1, b=LINE)
    assert (why["together"], why["because"], why["decided_different"]) == (False, "refused", True)
    assert why["would_join"] == [
        {
            "text": "Take the decision of staff back.",
            "request": "POST /v1/identity/decisions "
            f'{{"a":"{LINE}","b":"{C1}","decision":"undecided","by":"YOUR NAME"}}',
        }
    ]
    assert ties(why["chain"]) == [(LINE, "contact", "refused", "decided_different")]
    assert why["chain"][0]["detail"] == [LINE, C1]


async def test_a_customers_links_include_the_refused_ones(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER, ANOTHER_LOGS_IN)
    graph = await brand.json("/v1/customers/member:M7/identity")
    assert (graph["id"], graph["founder"], graph["member_id"]) == (str(id_of(C1)), C1, "M7")
    assert graph["member_ids"] == ["M7"]
    assert graph["contacts"] == [
        {"contact": LINE, "session": None, "id": str(id_of(LINE)), "by_claim": False},
        {"contact": C1, "session": "M7", "id": str(id_of(C1)), "by_claim": False},
    ]
    assert sorted(ties(graph["accepted"])) == [
        (LINE, "contact", "accepted", None),
        (C1, "member_id", "accepted", None),
    ]
    assert ties(graph["refused"]) == [(C1, "phone", "refused", "shared")]
    assert (graph["not_linked"], graph["set_aside"], graph["next"]) == ([], [], None)


async def test_a_contact_that_others_only_named_is_shown_nowhere(brand: Brand) -> None:
    named = "crm:erp:1"  # the lesser of two that are named at one time, so it founds the customer
    await brand.fold(bound(LINE, link=named, at=1))
    links = await brand.json(f"/v1/customers/{id_of(named)}/identity")
    assert (links["id"], links["founder"]) == (str(id_of(named)), None)
    assert [one["contact"] for one in links["contacts"]] == [LINE]
    assert ties(links["accepted"]) == [(LINE, "contact", "accepted", None)]
    assert contacts_in(await brand.json(f"/v1/customers/{id_of(named)}")) == [LINE]
    for path in (f"contacts/{named.replace(':', '/')}", f"contacts/{named.replace(':', '/')}/timeline"):
        assert (await brand.get(f"/v1/{path}")).status_code == 404
    assert (await brand.get("/v1/identity/why", a=named, b=LINE)).status_code == 404


async def test_a_customer_of_named_contacts_alone_is_not_found(brand: Brand) -> None:
    await brand.fold(bound(LINE, link=C1, at=1), unbound(LINE, link=C1, at=2))
    assert (await brand.get(f"/v1/customers/{id_of(C1)}/identity")).status_code == 404


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
        assert {(one["type"], one["tier"], one["reason"]) for one in page["conflicts"]} == {("phone", 4, "shared")}
        assert all(one["customer_id"] == one["contact_id"] for one in page["conflicts"])
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert [at for at, _ in seen_at] == sorted((at for at, _ in seen_at), reverse=True)
    assert sorted(contact for _, contact in seen_at) == sorted(f"web:shop:{who}{n}" for who in "ab" for n in range(5))
    assert (await brand.json("/v1/identity/conflicts", "other"))["conflicts"] == []
    await brand.fold(stated("crm:erp:1", phone="0911222333", at=1), stated("crm:erp:1", phone="0911222334", at=2))
    first = await brand.json("/v1/identity/conflicts", order="strongest", limit=1)
    assert [(one["contact"], one["tier"], one["reason"]) for one in first["conflicts"]] == [
        ("crm:erp:1", 3, "superseded")
    ]
    rest = await brand.json("/v1/identity/conflicts", order="strongest", cursor=first["next"])
    assert {one["tier"] for one in rest["conflicts"]} == {4}
    assert (await brand.get("/v1/identity/conflicts", cursor=first["next"])).status_code == 400


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


async def test_two_members_with_one_phone_are_joined_by_merging_the_members(brand: Brand) -> None:
    await brand.fold(bound(C1, member_id="M7", phone=PHONE), bound(C2, member_id="M/8", phone=PHONE))
    why = await brand.json("/v1/identity/why", a=C1, b=C2)
    assert why["because"] == "refused"
    assert ties(why["chain"]) == [(C1, "phone", "refused", "shared"), (C2, "phone", "refused", "shared")]
    (remedy,) = why["would_join"]
    assert remedy["text"] == "M/8 and M7 are two member ids: merge them if they are one person's."
    assert remedy["request"] == 'POST /v1/members/M7/merge {"into":"M/8"}'
    await brand.fold(merged("M7", "M/8"))
    assert (await brand.json("/v1/identity/why", a=C1, b=C2))["because"] == "linked"
    links = await brand.json("/v1/customers/member:M7/identity")
    assert (links["member_id"], links["member_ids"]) == ("M/8", ["M/8", "M7"])


async def test_values_that_are_no_evidence_are_said_so(brand: Brand) -> None:
    await brand.fold(
        claimed(C1, phone="+551", at=1, event_id="typed"),
        claimed(C2, member_id="guest", at=2, event_id="logged-in"),
        claimed(C2, phone=PHONE, at=3),
    )
    why = await brand.json("/v1/identity/why", a=C1, b=C2)
    assert (why["because"], why["chain"]) == ("set_aside", [])
    assert [(one["contact"], one["event_id"], one["reason"], one["detail"]) for one in why["set_aside"]] == [
        (C1, "typed", "no_value", "the phone +551 is no valid number"),
        (C2, "logged-in", "blocked", "the member id guest is on the block list"),
    ]
    links = await brand.json(f"/v1/customers/contact:{C2}/identity")
    assert [one["value"] for one in links["set_aside"]] == ["guest"]
    conflicts = (await brand.json("/v1/identity/conflicts"))["conflicts"]
    assert [(one["contact"], one["status"], one["value"], one["tier"]) for one in conflicts] == [
        (C2, "set_aside", "guest", None),
        (C1, "set_aside", "+551", None),
    ]
    await brand.fold(erased(C1, at=9))
    assert len((await brand.json("/v1/identity/conflicts"))["conflicts"]) == 1


async def test_what_was_said_in_an_earlier_session_belongs_to_who_was_logged_in(brand: Brand) -> None:
    await brand.fold(LOGS_IN, WRITES, claimed(C1, member_id="M9", at=7))
    why = await brand.json("/v1/identity/why", a=C1, b=WHATSAPP)
    assert (why["because"], why["a"]["session"]) == ("set_aside", "M9")
    assert [(one["type"], one["session"], one["reason"]) for one in why["chain"]] == [
        ("session", "M7", "other_session"),
        ("phone", "M7", None),
        ("phone", None, None),
    ]
    assert why["would_join"][0]["text"].startswith("What was stated while M7 was logged in is theirs")
    links = await brand.json("/v1/customers/phone:0911111111/identity")
    assert [one["contact"] for one in links["contacts"]] == [WHATSAPP]
    assert (C1, "phone", "accepted", None) in ties(links["accepted"])


async def test_a_contact_with_thousands_of_claims_is_read_page_by_page(brand: Brand) -> None:
    claims = [claimed(C1, at=n, email=[f"a{n}.{k}@example.tw" for k in range(50)]) for n in range(30)]
    await brand.fold(seen(LINE), bound(LINE, link=C1, at=100), *claims)
    seen_values: list[str] = []
    cursor: dict[str, str] = {}
    pages = 0
    while True:
        page = await brand.json(f"/v1/customers/contact:{LINE}/identity", limit=400, **cursor)
        parts = [page[part] for part in ("contacts", "accepted", "refused", "not_linked", "set_aside")]
        assert sum(map(len, parts)) <= 400
        seen_values += [one["value"] for one in (*page["accepted"], *page["refused"], *page["not_linked"])]
        pages += 1
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert pages >= 4
    assert len(seen_values) == len(set(seen_values)) == 1501
    why = await brand.json("/v1/identity/why", a=LINE, b=C1)
    assert (why["together"], why["complete"]) == (True, True)


async def test_a_search_that_is_too_large_says_so(brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exploring, "MOST_NODES", 3)
    chain = [decided(f"web:shop:p{n}", f"web:shop:p{n + 1}", "same", at=n) for n in range(9)]
    await brand.fold(*(seen(f"web:shop:p{n}") for n in range(10)), *chain)
    why = await brand.json("/v1/identity/why", a="web:shop:p0", b="web:shop:p9")
    assert (why["together"], why["chain"], why["complete"]) == (True, [], False)
    near = await brand.json("/v1/identity/why", a="web:shop:p0", b="web:shop:p1")
    assert (len(near["chain"]), near["complete"]) == (1, True)


async def test_another_tenants_evidence_is_not_found(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER)
    for path in ("customers/member:M7", f"customers/phone:{PHONE}", f"customers/{id_of(C1)}/identity"):
        assert (await brand.get(f"/v1/{path}", "other")).status_code == 404
    await brand.fold(*(in_other(event) for event in (FOLLOWS, LOGS_IN, WRITES)))
    assert (await brand.get("/v1/identity/why", "other", a=str(id_of(LINE)), b=str(id_of(C1)))).status_code == 404
    assert (await brand.json("/v1/identity/why", "other", a=LINE, b=C1))["together"] is False
    theirs = await brand.json("/v1/customers/member:M7", "other")
    assert (theirs["id"], contacts_in(theirs)) == (str(id_of(C1, "other")), [C1, WHATSAPP])
