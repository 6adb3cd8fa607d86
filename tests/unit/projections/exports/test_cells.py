"""No cell is run as a formula, and every text is read back as it was."""

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projections.exports.cells import joined, neutral, restored, split

# Texts that are likely to matter, and any other.
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b'\"\t\r\n ;\\,|!0a林\u3000\u200b\ufeff\xa0"
TEXTS = st.text(st.sampled_from(SIGNS), max_size=6) | st.text(max_size=20)


@given(TEXTS)
@example("'=1+1")
@example("''+1")
@example("\u3000\uff1dcmd|' /C calc'!A0")
def test_a_neutral_cell_is_read_back_as_the_text(text: str) -> None:
    assert restored(neutral(text)) == text


@given(TEXTS)
def test_no_neutral_cell_begins_like_a_formula(text: str) -> None:
    assert not re.match(r"[\s\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]", neutral(text))


@pytest.mark.parametrize("text", ["", "林小美", "0001", "it's = fine", "'quoted'", "a@b.example", "1-2"])
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


@given(st.lists(TEXTS.filter(bool), max_size=5))
def test_texts_in_one_cell_are_read_back_one_by_one(texts: list[str]) -> None:
    assert split(joined(texts)) == texts
    assert split(restored(neutral(joined(texts)))) == texts


@given(st.lists(TEXTS.filter(lambda text: "\0" not in text), min_size=2, max_size=5))
def test_cells_survive_a_csv_file(texts: list[str]) -> None:
    written = io.StringIO()
    csv.writer(written).writerow([neutral(text) for text in texts])
    (row,) = csv.reader(io.StringIO(written.getvalue(), newline=""))
    assert [restored(cell) for cell in row] == texts
