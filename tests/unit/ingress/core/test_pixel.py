"""A message is read from the query of a pixel's URL."""

from hypothesis import given
from hypothesis import strategies as st

from services.ingress.core.pixel import pixel_message

NAMES = st.text("ab.", max_size=30)


def test_dots_lead_into_objects_and_the_write_key_is_no_field() -> None:
    assert pixel_message(
        [
            ("writeKey", "wk_1"),
            ("anonymousId", '"browser-1"'),
            ("event", "Opened"),
            ("properties.campaign", "spring"),
            ("properties.shop.city", "台北"),
        ]
    ) == {
        "anonymousId": "browser-1",
        "event": "Opened",
        "properties": {"campaign": "spring", "shop": {"city": "台北"}},
    }


def test_the_first_of_two_counts() -> None:
    assert pixel_message([("a", "1"), ("a", "2"), ("a.b", "3")]) == {"a": "1"}
    assert pixel_message([("a.b", "1"), ("a", "2")]) == {"a": {"b": "1"}}


@given(st.lists(st.tuples(NAMES, st.text(max_size=3)), max_size=8))
def test_any_query_gives_a_message_of_bounded_depth(parameters: list[tuple[str, str]]) -> None:
    def depth(value: object) -> int:
        return 1 + max((depth(one) for one in value.values()), default=0) if isinstance(value, dict) else 0

    assert depth(pixel_message(parameters)) <= 9
