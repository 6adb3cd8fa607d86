"""A family of six events whose order must not matter: binding, phone, a second login, and its being taken back."""

from itertools import permutations

from projections.identity.resolution.resolution import Resolution
from tests.support.identity_events import groups, resolved, stated, unbound
from tests.support.worked_example import (
    ALL,
    ANOTHER_LOGS_IN,
    BINDS,
    C1,
    C2,
    FOLLOWS,
    LINE,
    LOGS_IN,
    ONE_CUSTOMER,
    PHONE,
    WHATSAPP,
    WRITES,
)


def founders(resolution: Resolution) -> dict[str, set[str]]:
    return {customer.founder: set(customer.contacts) for customer in resolution.customers}


def test_binding_by_the_site_button_makes_one_customer_with_the_member() -> None:
    (customer,) = resolved(FOLLOWS, LOGS_IN, BINDS).customers
    assert set(customer.contacts) == {LINE, C1}
    assert customer.member_id == "M7"


def test_whatsapp_joins_through_the_phone() -> None:
    assert groups(FOLLOWS, LOGS_IN, BINDS, WRITES) == [{LINE, C1, WHATSAPP}]


def test_a_second_member_with_the_phone_makes_it_shared_for_claims_and_whatsapp_splits_off() -> None:
    resolution = resolved(*ONE_CUSTOMER, ANOTHER_LOGS_IN)
    assert founders(resolution) == {C1: {LINE, C1}, C2: {C2}, WHATSAPP: {WHATSAPP}}
    assert [(one.link.node, one.link.value, one.link.tier, one.reason) for one in resolution.refused] == [
        ((C1, "M7"), PHONE, 4, "shared"),
        ((C2, "M8"), PHONE, 4, "shared"),
    ]


def test_taking_the_login_and_the_phone_back_brings_whatsapp_back_under_the_same_id() -> None:
    before = resolved(*ONE_CUSTOMER)
    after = resolved(*ALL)
    assert founders(after) == {C1: {LINE, C1, WHATSAPP}, C2: {C2}}
    assert before.customers[0] in after.customers


def test_the_order_of_the_six_events_changes_nothing() -> None:
    expected = resolved(*ALL)
    for order in permutations(ALL):
        found = resolved(*order)
        assert (found.customers, found.accepted, found.refused) == (
            expected.customers,
            expected.accepted,
            expected.refused,
        )


def test_only_the_login_taken_back_leaves_a_browser_that_claims_the_phone() -> None:
    assert groups(*ALL[:5], unbound(C2, member_id="M8", at=6)) == [{LINE, C1, C2, WHATSAPP}]


def test_had_the_crm_stated_the_phone_whatsapp_would_have_stayed() -> None:
    record = stated("crm:erp:7", member_id="M7", phone=PHONE, at=1)
    assert groups(*ONE_CUSTOMER, record, ANOTHER_LOGS_IN) == [{"crm:erp:7", LINE, C1, WHATSAPP}, {C2}]
