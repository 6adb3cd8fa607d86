"""Values of attributes are counted by a text and a kind that read back as the value."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from projections.customers.value_counts import Facts, key_of_value, value_counts, value_of

_VALUES = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), st.text()
)


@given(_VALUES)
def test_a_value_reads_back_from_its_text_and_kind(value: float | str) -> None:
    text, kind = key_of_value(value)
    read = value_of(text, kind)
    assert (float(read) if isinstance(value, float) else read) == value
    assert key_of_value(read) == (text, kind)
    assert kind != "number" or "e" not in text.lower()


@given(st.lists(st.sampled_from(["a", "b", None]), max_size=6), st.lists(st.sampled_from(["a", "b"]), max_size=6))
def test_what_customers_gain_and_lose_adds_up(before: list[str | None], after: list[str]) -> None:
    former, now = (value_counts(map(_facts, some)) for some in (before, after))
    values, ends = now.less(former)
    assert 0 not in values.values()
    former.values.update(values)
    former.ends.update(ends)
    assert {key: of for key, of in former.values.items() if of} == now.values
    assert {key: of for key, of in former.ends.items() if of} == now.ends


def _facts(value: str | None) -> Facts:
    tags = {"sale": [(1, 0, 7), (2, 1, 9 if value == "a" else None)], "t" * 200: [(1, 0, 7)]}
    attributes = {} if value is None else {"size": ("text", value, 0), "note": ("text", "n" * 201, 0)}
    return Facts(orjson.dumps(attributes).decode(), orjson.dumps(tags).decode())
