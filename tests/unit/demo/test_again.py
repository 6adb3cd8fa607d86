"""A story told twice on the same data ends at the same time."""

from pathlib import Path

import pytest

from services.demo.again import end_of_life


def test_the_first_time_is_now_and_the_second_is_the_first(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert end_of_life(data, "7/2000/20000", 1_000) == 1_000
    assert end_of_life(data, "7/2000/20000", 2_000) == 1_000
    assert end_of_life(data, "8/2000/20000", 3_000) == 3_000
    assert end_of_life(data, "7/2000/20000", 4_000) == 1_000


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"'])
def test_a_spoilt_note_is_written_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "demo.json").write_text(content)
    assert end_of_life(tmp_path, "a", 1_000) == 1_000
    assert end_of_life(tmp_path, "a", 2_000) == 1_000
