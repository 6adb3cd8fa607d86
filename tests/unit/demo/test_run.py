"""A run repeated on the same data ends at the same time."""

from pathlib import Path

import pytest

from services.demo.run import end_of_year


def test_the_first_run_ends_now_and_a_repeated_one_when_the_first_did(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert end_of_year(data, "7/2000/20000", 1_000) == (1_000, False)
    assert end_of_year(data, "7/2000/20000", 2_000) == (1_000, True)
    assert end_of_year(data, "8/2000/20000", 3_000) == (3_000, False)
    assert end_of_year(data, "7/2000/20000", 4_000) == (1_000, True)


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"'])
def test_a_broken_file_is_written_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "demo.json").write_text(content)
    assert end_of_year(tmp_path, "a", 1_000) == (1_000, False)
    assert end_of_year(tmp_path, "a", 2_000) == (1_000, True)
