"""Each text is new once, however many there are."""

from hypothesis import given
from hypothesis import strategies as st

from projections.imports.seen import SeenUids


@given(st.lists(st.text(max_size=3)))
def test_a_text_is_new_once(texts: list[str]) -> None:
    seen, known = SeenUids(), set[str]()
    for text in texts:
        assert seen.add(text) == (text not in known)
        known.add(text)


def test_many_texts_are_told_apart() -> None:
    seen = SeenUids()
    assert all(seen.add(str(number)) for number in range(20_000))
    assert not any(seen.add(str(number)) for number in range(20_000))
