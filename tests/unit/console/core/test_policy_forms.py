"""A policy as a form: nothing is lost on the way there and back, and what is wrong is found at its field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.identity.resolution.policy import DEFAULT_TYPES, Policy
from services.console.core import policy_forms
from services.console.core.policy_words import PolicyWords
from services.console.http.visits import SentFields
from services.query.core.policy_changes import policy_changes

TIERS = st.none() | st.integers(1, 9)
COUNTS = st.integers(1, 1_000_000)
EXCLUSIVE: st.SearchStrategy[Any] = st.none() | st.builds(dict, scope=st.just("tenant"), guards=st.integers(0, 9))
RULES: st.SearchStrategy[Any] = st.builds(
    dict, verified=TIERS, stated=TIERS, claimed=TIERS, limit=COUNTS, claimed_limit=COUNTS, exclusive=EXCLUSIVE
)
POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "phones": st.sampled_from(["valid", "possible"]),
        "default_region": st.sampled_from(["TW", "HK", "ZZ"]),
        "shared_device_limit": COUNTS,
        "blocked": st.lists(st.sampled_from(["[0-]*", "vip", " a ", r"\n", "訪客"]), max_size=3),
        "also_blocked": st.lists(st.sampled_from(["x+", "shop"]), max_size=2),
        "types": st.dictionaries(st.sampled_from(["phone", "email", "x_card", "shoe_size"]), RULES, max_size=3),
    },
)


def sent(draft: policy_forms.PolicyDraft, **typed: str) -> policy_forms.PolicyDraft:
    """The draft as a browser sends its form, with some fields typed into."""
    texts = {**draft.texts, **{name.replace("__", "."): text for name, text in typed.items()}}
    fields = [("type", name) for name in draft.types]
    return policy_forms.draft_in(
        SentFields([*fields, *((name, text.replace("\n", "\r\n")) for name, text in texts.items())])
    )


@given(POLICIES)
def test_a_policy_is_the_same_after_its_form_was_sent(settings: dict[str, Any]) -> None:
    typed = policy_forms.settings_of(sent(policy_forms.draft_of(settings, "TW")))
    assert Policy.from_json(typed) == Policy.from_json(settings)
    assert policy_forms.problems_of(typed) == {}
    assert ("default_region" in typed) == ("default_region" in settings)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("types.phone.limit", "0"),
        ("types.phone.limit", "many"),
        ("types.phone.limit", ""),
        ("types.email.claimed_limit", "1000001"),
        ("types.email.claimed_limit", "9" * 30),
        ("types.email.claimed", "10"),
        ("types.email.exclusive", "prefix"),
        ("types.line_user.guards", "10"),
        ("shared_device_limit", "-1"),
        ("default_region", "Taiwan"),
        ("phones", "any"),
        ("blocked", "fine\n[abc"),
        ("blocked_member_ids", "(?=a)"),
    ],
)
def test_what_is_wrong_is_found_at_its_field_and_what_was_typed_is_kept(field: str, text: str) -> None:
    typed = sent(policy_forms.draft_of({}, "TW"), **{field.replace(".", "__"): text})
    settings = policy_forms.settings_of(typed)
    assert list(policy_forms.problems_of(settings)) == [field]
    assert typed.text(field).replace("\r\n", "\n") == text


def test_all_that_is_wrong_is_found_at_once() -> None:
    draft = sent(policy_forms.draft_of({}, "TW"), types__phone__limit="0", shared_device_limit="x", blocked="(")
    found = policy_forms.problems_of(policy_forms.settings_of(draft))
    assert set(found) == {"types.phone.limit", "shared_device_limit", "blocked"}


def test_a_type_of_ones_own_is_added_and_removed_and_the_others_stay() -> None:
    draft = policy_forms.draft_of({}, "TW").with_type("x_card")
    assert policy_forms.settings_of(sent(draft))["types"]["x_card"]["limit"] == 10
    assert draft.without_type("x_card").types == tuple(DEFAULT_TYPES)
    assert draft.without_type("phone").types == draft.types
    assert policy_forms.problems_of({"types": {"Card": {}}}) != {}


@given(POLICIES, POLICIES)
def test_each_change_is_a_sentence(before: dict[str, Any], after: dict[str, Any]) -> None:
    changes = policy_changes(Policy.from_json(before), Policy.from_json(after))
    sentences = PolicyWords(str).changes(changes)
    assert len(set(sentences)) == len(changes)
    assert all("None" not in one and "types." not in one for one in sentences)
