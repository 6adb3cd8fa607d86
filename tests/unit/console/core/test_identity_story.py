"""The story of a customer: which link joined which contacts, in the order of events."""

from hypothesis import given
from hypothesis import strategies as st

from services.console.core.identity_story import StoryStep, sentence, story
from services.console.core.names import Names
from services.query.core.identity_models import Tie
from tests.support.console_links import a_tie, links

A, B, C = "line:oa:U1", "facebook:p:2", "web:shop:c3"
PHONE = "+886911222333"
NAMES = Names(str)


def kinds(*ties: Tie) -> list[tuple[str, tuple[str, ...]]]:
    return [(step.kind, step.others) for step in story(links(*ties))]


def words(step: StoryStep) -> str:
    return sentence(step, NAMES, {A: "林小美"})


def test_the_first_holder_of_a_value_is_known_by_it_and_the_second_joins() -> None:
    assert kinds(a_tie(A, "phone", PHONE, 1), a_tie(B, "phone", PHONE, 2)) == [("known", ()), ("joined", (A,))]


def test_steps_are_in_the_order_of_events_and_not_of_tiers() -> None:
    late, early = a_tie(A, "member_id", "M7", 9, tier=1), a_tie(A, "phone", PHONE, 1)
    assert [step.tie for step in story(links(late, early))] == [early, late]


def test_whoever_comes_joins_all_that_are_one_already() -> None:
    ties = [a_tie(A, "phone", PHONE, 1), a_tie(B, "phone", PHONE, 2), a_tie(C, "contact", A, 3)]
    assert kinds(*ties)[-1] == ("joined", (B, A))


def test_a_tie_between_contacts_that_are_one_confirms_it() -> None:
    ties = [a_tie(A, "phone", PHONE, 1), a_tie(B, "phone", PHONE, 2), a_tie(A, "contact", B, 3)]
    assert kinds(*ties)[-1][0] == "confirmed"


def test_a_refused_tie_joins_nothing_and_says_why() -> None:
    refused = a_tie(B, "phone", PHONE, 2, reason="shared")
    (first, second) = story(links(a_tie(A, "phone", PHONE, 1), refused))
    assert first.kind == "known"
    assert "joins nothing, since people with different member IDs have this value" in words(second)


def test_a_sentence_names_both_sides_and_what_they_share() -> None:
    step = story(links(a_tie(A, "phone", PHONE, 1), a_tie(B, "phone", PHONE, 2)))[-1]
    assert words(step) == (
        f"Messenger 2 and LINE 林小美 became one customer: they have the same phone number, {PHONE}."
    ).replace("Messenger", NAMES.channel("facebook"))


def test_a_percent_sign_in_a_value_is_no_placeholder() -> None:
    assert "50%(value)s" in words(story(links(a_tie(A, "x_code", "50%(value)s", 1)))[0])


def test_a_tie_without_events_has_no_place_in_the_story() -> None:
    assert story(links(a_tie(A, "phone", PHONE, 1, events=[]))) == []


@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.sampled_from("xyz"), st.integers(0, 20)), max_size=12))
def test_each_contact_joins_others_at_most_once_less_than_there_are_contacts(
    stated: list[tuple[str, str, int]],
) -> None:
    steps = story(links(*(a_tie(contact, "phone", value, day) for contact, value, day in stated)))
    joined = [step for step in steps if step.kind == "joined"]
    assert len(steps) == len(stated)
    assert len(joined) <= max(len({contact for contact, _, _ in stated}) - 1, 0)
