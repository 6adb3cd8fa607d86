"""A merge of RudderStack's says of each id and identifier whose it is, and names what it does not understand."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingress.core.segment import segment_batch
from services.ingress.core.web import TenantKnowledge, alias_ids
from tests.support.strategies import odd_json
from tests.support.web_bodies import MEMBER, RECEIVED_AT, SITE, VISITOR, content_of, message, translated

USER, BROWSER = f"web:qingshan-shop:user:{MEMBER}", f"web:qingshan-shop:{VISITOR}"
SERVER = replace(SITE, assurance="stated")


def merge(*properties: tuple[str, Any], **fields: Any) -> dict[str, Any]:
    """A merge of these types and values; of no browser unless ``anonymousId`` is given."""
    listed = [{"type": name, "value": value} for name, value in properties]
    return message("merge", **({"anonymousId": None, "mergeProperties": listed} | fields))


def stated(given: Any, **shared: Any) -> set[tuple[str, str, str]]:
    """The identifiers that the message states: contact, type and value."""
    return {
        (event.contact.key, one["type"], one["value"])
        for event in translated(given, **shared).events
        if event.type == "identity.bound" and event.contact
        for one in content_of(event)[2]["identifiers"]
    }


def reasons(given: Any, **shared: Any) -> list[tuple[str, str]]:
    return [(one.type, one.reason) for one in translated(given, **shared).warnings]


@pytest.mark.parametrize("ids", [{"userId": MEMBER}, {"anonymousId": VISITOR}])
def test_identifiers_are_of_whoever_sends_the_merge(ids: dict[str, str]) -> None:
    given = merge(("email", "a@example.tw"), ("mobile", "0912345678 / 0923456789"), **ids)
    contact = USER if "userId" in ids else BROWSER
    found = {(name, value) for of, name, value in stated(given) if of == contact and name != "member_id"}
    assert found == {("email", "a@example.tw"), ("phone", "0912345678"), ("phone", "0923456789")}
    assert reasons(given) == []
    kept = content_of(translated(given).events[-1])
    assert kept[1:] == ("web.merge", {"mergeProperties": given["mergeProperties"]})


@pytest.mark.parametrize("member_type", ["user_id", "userId", "User ID", "member_id"])
@pytest.mark.parametrize("browser_type", ["anonymous_id", "anonymousId"])
def test_a_member_and_a_browser_are_a_login(member_type: str, browser_type: str) -> None:
    for said in (
        merge((member_type, MEMBER), (browser_type, VISITOR)),
        merge((browser_type, VISITOR), userId=MEMBER),
        merge((member_type, MEMBER), (browser_type, VISITOR), anonymousId="another"),
    ):
        assert stated(said) >= {(BROWSER, "member_id", MEMBER), (USER, "member_id", MEMBER)}


def test_two_members_are_a_candidate_and_the_answer_says_how_to_merge_them() -> None:
    given = merge(("user_id", MEMBER), ("user_id", "QS-1"))
    (alias,) = (one for one in translated(given).events if one.type == "web.alias")
    assert alias.contact is not None
    assert (alias.contact.key, content_of(alias)[2]) == (USER, {"previousId": "QS-1", "userId": MEMBER})
    (warning,) = translated(given).warnings
    assert (warning.reason, "POST /v1/members/QS-1/merge" in warning.detail) == ("not_merged", True)
    assert alias_ids([given]) == {MEMBER, "QS-1"}
    assert reasons(given, known=TenantKnowledge(members={"QS-1": MEMBER, MEMBER: MEMBER})) == []
    assert not any(value == "QS-1" for _, _, value in stated(given))


def test_two_browsers_are_one_persons_by_the_brands_own_word_only() -> None:
    given = merge(("anonymous_id", VISITOR), ("anonymous_id", "other"))
    assert (stated(given), reasons(given)) == (set(), [("mergeProperties", "not_merged")])
    assert stated(given, site=SERVER) == {(BROWSER, "contact", "web:qingshan-shop:other")}
    assert reasons(given, site=SERVER) == []


def test_what_is_not_understood_is_kept_and_warned_of() -> None:
    given = merge(("device_id", "d1"), ("email", {"no": "text"}), ("x_card", "77"), userId=MEMBER)
    assert reasons(given) == [("mergeProperties", "unread")] * 2
    assert stated(given) == {(USER, "member_id", MEMBER), (USER, "x_card", "77")}
    for odd in ("email", [7], {"type": "email"}):
        assert reasons(merge(userId=MEMBER, mergeProperties=odd))[0] == ("mergeProperties", "unread")


def test_an_object_by_types_is_read_as_well() -> None:
    whole = merge(("email", "a@example.tw"), ("phone", "0912345678"), userId=MEMBER)
    for other in ({"email": "a@example.tw", "phone": "0912345678"}, whole["mergeProperties"]):
        assert stated(merge(userId=MEMBER, mergeProperties=other)) == stated(whole)
    one = {"type": "email", "value": "a@example.tw"}
    assert stated(merge(userId=MEMBER, mergeProperties=one)) == stated(merge(("email", "a@example.tw"), userId=MEMBER))


def test_placeholders_are_nobodys_ids() -> None:
    assert translated(merge(("anonymous_id", "undefined"), ("email", "a@example.tw"))).ignored[0].reason == "no_id"
    given = merge(("user_id", "guest"), ("anonymous_id", "undefined"), userId=MEMBER, anonymousId=VISITOR)
    assert [reason for _, reason in reasons(given)] == ["no_browser", "blocked"]
    assert not any(value in {"guest", "undefined"} for _, _, value in stated(given))


def test_an_unsigned_login_is_none() -> None:
    site = replace(SITE, login_secrets=("s",), signed_only=True)
    given = merge(("user_id", MEMBER), ("anonymous_id", VISITOR), ("email", "a@example.tw"))
    assert stated(given, site=site) == {(BROWSER, "email", "a@example.tw")}
    assert reasons(given, site=site) == [("member_id", "unsigned")]


@given(properties=odd_json, fields=st.dictionaries(st.sampled_from(["userId", "anonymousId", "context"]), odd_json))
def test_nothing_raises(properties: Any, fields: dict[str, Any]) -> None:
    given = merge(mergeProperties=properties, **fields)
    alias_ids([given])
    found = translated(given)
    assert len(found.ignored) == (0 if found.events else 1)
    assert segment_batch("merge", given, RECEIVED_AT).delivery.call == "merge"
