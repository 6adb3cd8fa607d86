"""RudderStack's messages mean what the same messages mean in Segment's words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingress.core.rudderstack import in_segment_words
from tests.support.strategies import odd_json
from tests.support.web_bodies import CONTEXT, MEMBER, VISITOR, all_said, events_of, message

TRAITS = {"name": "林佳穎", "email": "jiaying@example.tw", "phone": "0912345678", "plan": "gold", "nickname": None}
_IDS = st.sampled_from([None, "", MEMBER, 7])


def rudder(kind: str, repeated: Any, **fields: Any) -> dict[str, Any]:
    """A message with the person's traits where RudderStack's SDKs send them."""
    return message(kind, context=CONTEXT | {"traits": repeated}, **fields)


def segment(kind: str, traits: Any, **fields: Any) -> dict[str, Any]:
    return message(kind, traits=traits, **fields)


@given(traits=st.dictionaries(st.sampled_from([*TRAITS, "address", "生日"]), odd_json, max_size=4), user_id=_IDS)
def test_an_identify_is_read_the_same_from_both(traits: dict[str, Any], user_id: Any) -> None:
    assert all_said(rudder("identify", traits, userId=user_id)) == all_said(segment("identify", traits, userId=user_id))


def test_traits_in_both_places_count_once_and_the_messages_own_win() -> None:
    both = rudder("identify", TRAITS | {"plan": "silver"}, traits={"plan": "gold", "points": 3})
    assert all_said(both) == all_said(segment("identify", TRAITS | {"plan": "gold", "points": 3}))


def test_traits_that_are_no_object_are_kept_beside_those_of_the_context() -> None:
    said = all_said(rudder("identify", TRAITS, traits=["gold"]))
    kept = [data for _, _, data in said if data.get("key") == "traits"]
    assert kept == [{"key": "traits", "value": '["gold"]', "type": "text", "assurance": "claimed"}]
    assert {"key": "plan", "value": "gold", "type": "text", "assurance": "claimed"} in [data for _, _, data in said]


@pytest.mark.parametrize("kind", ["track", "page", "screen", "group"])
def test_traits_repeated_on_a_later_message_are_no_attributes_again(kind: str) -> None:
    types = [event.type for event in events_of(rudder(kind, TRAITS, userId=MEMBER, event="Paid", groupId="g1"))]
    assert types[0] == "identity.bound"
    assert not {"attribute.set", "profile.updated"} & set(types)


def test_the_traits_of_a_group_stay_the_groups() -> None:
    said = all_said(rudder("group", TRAITS, groupId="g1", traits={"name": "茶友會"}))
    (group,) = (data for _, name, data in said if name == "web.group")
    assert group == {"groupId": "g1", "traits": {"name": "茶友會"}}


@pytest.mark.parametrize("kind", ["identify", "track", "group"])
def test_ids_among_the_traits_are_the_messages_where_it_has_none(kind: str) -> None:
    ids = {"userId": MEMBER, "anonymousId": VISITOR, "id": MEMBER}
    bare = rudder(kind, TRAITS | ids, anonymousId=None, event="Paid", groupId="g1")
    full = rudder(kind, TRAITS, userId=MEMBER, event="Paid", groupId="g1")
    assert all_said(bare) == all_said(full)


def test_copies_of_the_messages_ids_are_no_attributes() -> None:
    copies = {"userId": MEMBER, "anonymousId": VISITOR, "id": MEMBER}
    said = all_said(rudder("identify", TRAITS | copies, userId=MEMBER))
    assert said == all_said(rudder("identify", TRAITS, userId=MEMBER))


def test_another_id_among_the_traits_is_kept_as_an_attribute() -> None:
    said = all_said(rudder("identify", {"userId": "old-7"}, userId=MEMBER))
    assert {"key": "userId", "value": "old-7", "type": "text", "assurance": "claimed"} in [data for _, _, data in said]


@pytest.mark.parametrize("kind", ["identify", "track"])
def test_external_ids_are_read_under_both_names(kind: str) -> None:
    ids = [{"type": "x_card", "id": "77"}, {"type": "email", "id": "jiaying@example.tw"}]
    expected = all_said(message(kind, event="Paid", context=CONTEXT | {"externalIds": ids}))
    assert all_said(message(kind, event="Paid", context=CONTEXT | {"externalId": ids})) == expected
    apart = {"externalIds": ids[:1], "externalId": ids[1]}
    assert all_said(message(kind, event="Paid", context=CONTEXT | apart)) == expected


def test_a_user_id_among_the_external_ids_is_the_messages() -> None:
    given_there = message("track", event="Paid", context=CONTEXT | {"externalId": [{"type": "user_id", "id": MEMBER}]})
    assert all_said(given_there) == all_said(message("track", event="Paid", userId=MEMBER))


@given(fields=st.dictionaries(st.sampled_from(["userId", "anonymousId", "traits"]), odd_json), context=odd_json)
def test_a_message_in_segments_words_comes_back_unchanged(fields: dict[str, Any], context: Any) -> None:
    plain = {name: value for name, value in (context if isinstance(context, dict) else {}).items() if name != "traits"}
    plain.pop("externalId", None)
    assert in_segment_words("identify", fields, plain) == (fields, plain)


@given(st.dictionaries(st.sampled_from(["userId", "traits", "anonymousId"]), odd_json), odd_json, odd_json)
def test_nothing_raises_and_the_arguments_stay(fields: dict[str, Any], traits: Any, external: Any) -> None:
    context = {"traits": traits, "externalId": external}
    before = repr((fields, context))
    in_segment_words("identify", fields, context)
    assert repr((fields, context)) == before
