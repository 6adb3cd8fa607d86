"""A browser is not a person: what it states belongs to the member who was logged in."""

from projections.identity.resolution.links import Link
from schemas.events import Event
from tests.support.identity_events import (
    T0,
    bound,
    claimed,
    decided,
    event,
    groups,
    merged,
    resolved,
    seen,
    stated,
    unbound,
)

X, Y = "web:shop:x", "web:shop:y"
LINE, OTHER_LINE = "line:oa1:U1", "line:oa1:U2"
CRM, OTHER_CRM = "crm:erp:1", "crm:erp:2"
PHONE = "+886911111111"
LOGINS = (bound(X, member_id="M7", at=10), bound(X, member_id="M8", at=20))


def sessions(*events: Event, of: str = "phone") -> set[tuple[str, object]]:
    """The session and value of each link of the type, accepted or refused, that a node of X has."""
    resolution = resolved(*events)
    links: list[Link] = [*resolution.accepted, *(one.link for one in resolution.refused)]
    return {(link.node[1], link.value) for link in links if link.type == of and link.node[0] == X}


def test_a_statement_belongs_to_the_session_of_the_last_login_up_to_then() -> None:
    for at, session in ((10, "M7"), (19, "M7"), (20, "M8"), (99, "M8")):
        assert sessions(*LOGINS, bound(X, phone=PHONE, at=at)) == {(session, PHONE)}


def test_a_statement_before_the_first_login_belongs_to_the_first_logins_session() -> None:
    assert sessions(*LOGINS, bound(X, phone=PHONE, at=0)) == {("M7", PHONE)}


def test_a_browser_without_a_login_is_one_node_and_so_is_any_other_contact() -> None:
    assert sessions(bound(X, phone=PHONE)) == {("", PHONE)}
    resolution = resolved(bound(CRM, member_id="M7", at=1), bound(CRM, member_id="M8", at=2))
    assert {link.node for link in resolution.accepted} == {(CRM, "")}


def test_what_the_event_of_a_login_states_belongs_to_that_login() -> None:
    together = bound(X, member_id="M7", phone=PHONE, at=10, event_id="a")
    assert sessions(together, bound(X, member_id="M8", at=10, event_id="b")) == {("M7", PHONE)}


def test_of_several_logins_of_one_event_the_greatest_value_has_what_else_it_states() -> None:
    event_of_two = bound(X, member_id=["M7", "M8"], phone=PHONE, at=1)
    assert sessions(event_of_two) == {("M8", PHONE)}
    assert sessions(event_of_two, of="member_id") == {("M7", "M7"), ("M8", "M8")}


def test_a_login_counts_whatever_its_assurance_and_also_if_it_is_intrinsic() -> None:
    for login in (claimed(X, member_id="M8", at=20), stated(X, member_id="M8", at=20), seen(X, member_id="M8", at=20)):
        assert sessions(LOGINS[0], login, bound(X, phone=PHONE, at=25)) == {("M8", PHONE)}


def test_every_intrinsic_login_counts_not_only_the_earliest() -> None:
    logins = (seen(X, member_id="M7", at=10), seen(X, member_id="M8", at=20), seen(X, member_id="M7", at=30))
    assert sessions(*logins, bound(X, phone=PHONE, at=35)) == {("M7", PHONE)}


def test_an_intrinsic_identifier_belongs_to_the_session_of_its_first_assertion() -> None:
    assert sessions(*LOGINS, seen(X, phone=PHONE, at=15), seen(X, phone=PHONE, at=25)) == {("M7", PHONE)}


def test_the_browser_is_with_its_last_session() -> None:
    records = (bound(CRM, member_id="M7"), bound(OTHER_CRM, member_id="M8"))
    assert groups(*records, *LOGINS) == [{CRM}, {OTHER_CRM, X}]
    assert groups(*records, *LOGINS, bound(X, member_id="M7", at=30)) == [{CRM, X}, {OTHER_CRM}]


def test_two_members_on_one_browser_are_two_customers_each_with_what_was_said_as_it() -> None:
    events = (
        *(bound(CRM, member_id="M7"), bound(OTHER_CRM, member_id="M8")),
        *LOGINS,
        bound(LINE, link=X, at=15),
        bound(OTHER_LINE, link=X, at=25),
    )
    assert groups(*events) == [{CRM, LINE}, {OTHER_CRM, OTHER_LINE, X}]


def test_a_late_login_takes_over_what_was_stated_after_its_time() -> None:
    binding = bound(LINE, link=X, at=25)
    records = (bound(CRM, member_id="M7"), bound(OTHER_CRM, member_id="M8"))
    assert groups(*records, LOGINS[0], binding) == [{CRM, LINE, X}, {OTHER_CRM}]
    assert groups(*records, LOGINS[0], binding, LOGINS[1]) == [{CRM}, {OTHER_CRM, LINE, X}]


def test_a_login_taken_back_ties_nothing_but_its_session_keeps_what_was_said_in_it() -> None:
    events = (*LOGINS, bound(X, phone=PHONE, at=25), unbound(X, member_id="M8", at=30))
    assert sessions(*events) == {("M8", PHONE)}
    assert sessions(*events, of="member_id") == {("M7", "M7")}
    assert groups(*events, bound(CRM, member_id="M7"), bound(OTHER_CRM, member_id="M8")) == [{CRM}, {OTHER_CRM}, {X}]


def test_a_retraction_is_of_all_sessions() -> None:
    twice = (bound(X, phone=PHONE, at=15), bound(X, phone=PHONE, at=25))
    assert sessions(*LOGINS, *twice) == {("M7", PHONE), ("M8", PHONE)}
    assert sessions(*LOGINS, *twice, unbound(X, phone=PHONE, at=30)) == set()
    assert sessions(*LOGINS, *twice, unbound(X, phone=PHONE, at=20)) == {("M7", PHONE), ("M8", PHONE)}


def test_logins_of_merged_member_ids_are_one_session() -> None:
    events = (*LOGINS, bound(X, phone=PHONE, at=15), merged("M7", "M8"))
    assert sessions(*events) == {("M8", PHONE)}


def test_a_retraction_is_no_login() -> None:
    assert sessions(unbound(X, member_id="M7", at=5), bound(X, phone=PHONE, at=6)) == {("", PHONE)}


def test_a_value_that_is_no_member_id_begins_no_session() -> None:
    assert sessions(bound(X, member_id="guest", at=5), bound(X, phone=PHONE, at=6)) == {("", PHONE)}


def test_a_decision_about_a_browser_is_about_its_session_at_that_time() -> None:
    same = decided(LINE, X, "same", at=15)
    assert groups(*LOGINS, same) == [{LINE}, {X}]
    assert groups(LOGINS[0], same) == [{LINE, X}]
    (link,) = [one for one in resolved(*LOGINS, same).accepted if one.type == "staff"]
    assert (link.node, link.value) == ((LINE, ""), (X, "M7"))


def test_a_binding_of_a_node_to_itself_is_no_link_but_founds() -> None:
    resolution = resolved(bound(X, link=X, at=1), bound(X, link=Y, at=5), bound(Y, phone=PHONE, at=2))
    assert [link.value for link in resolution.accepted if link.type == "contact"] == [(Y, "")]
    assert resolution.customers[0].founder == X
    assert resolved(bound(X, link=X)).refused == ()


def test_a_cluster_of_past_sessions_alone_is_no_customer() -> None:
    assert groups(*LOGINS) == [{X}]


def test_since_is_of_the_session_alone() -> None:
    resolution = resolved(*LOGINS, claimed(X, phone=PHONE, at=15), claimed(X, phone=PHONE, at=25))
    links = [*resolution.accepted, *(one.link for one in resolution.refused)]
    assert {link.node[1]: link.since for link in links if link.type == "phone"} == {"M7": T0 + 15, "M8": T0 + 25}


def test_an_event_of_another_kind_states_nothing_and_begins_no_session() -> None:
    assert sessions(event(X, "message.received", {"message_id": "m", "kind": "text"}), bound(X, phone=PHONE)) == {
        ("", PHONE)
    }
