"""A family of six events whose order says nothing: binding, phone, a second login, and that login taken back."""

from itertools import permutations

from projections.identity.resolution.gather import gather
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import Resolution, resolve
from tests.support.identity_events import groups, resolved, unbound
from tests.support.worked_example import (
    ALL,
    ANOTHER_LOGS_IN,
    BINDS,
    C1,
    C2,
    FOLLOWS,
    LINE,
    LOGS_IN,
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


def test_a_second_member_with_the_phone_makes_it_shared_and_whatsapp_splits_off() -> None:
    resolution = resolved(FOLLOWS, LOGS_IN, BINDS, WRITES, ANOTHER_LOGS_IN)
    assert founders(resolution) == {C1: {LINE, C1}, C2: {C2}, WHATSAPP: {WHATSAPP}}
    assert [(one.link.contact, one.link.value, one.reason) for one in resolution.refused] == [
        (C1, PHONE, "shared"),
        (C2, PHONE, "shared"),
    ]


def test_the_login_taken_back_brings_whatsapp_back_under_the_same_id() -> None:
    before = resolved(FOLLOWS, LOGS_IN, BINDS, WRITES)
    after = resolved(*ALL)
    assert founders(after) == {C1: {LINE, C1, WHATSAPP}, C2: {C2}}
    assert before.customers[0] in after.customers


def test_the_order_of_the_six_events_changes_nothing() -> None:
    expected = resolve(gather(ALL), Policy())
    assert len(expected.customers) == 2
    assert all(resolve(gather(order), Policy()) == expected for order in permutations(ALL))


def test_only_the_second_members_login_itself_taken_back_is_enough() -> None:
    taken_back = unbound(C2, member_id="M8", at=6)
    assert groups(*ALL[:5], taken_back) == [{LINE, C1, C2, WHATSAPP}]
