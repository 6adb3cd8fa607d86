"""Moments are given with their offset from UTC."""

import re

import pytest

from services.rebuild.core.times import NotAMoment, moment_of


def test_a_moment_keeps_its_offset() -> None:
    found = moment_of("2026-03-01T00:00+08:00")
    assert found is not None
    assert found.isoformat() == "2026-03-01T00:00:00+08:00"
    assert moment_of(None) is None


@pytest.mark.parametrize("text", ["yesterday", "2026-03-01T00:00", "2026-03-01"])
def test_other_text_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(NotAMoment, match=r"\+08:00"):
        moment_of(text)


@pytest.mark.parametrize("text", ["2026-03-01T00:00", "2026-03-01", "2026-03-01 10:20:30"])
def test_what_is_to_be_written_is_a_moment(text: str) -> None:
    with pytest.raises(NotAMoment) as refused:
        moment_of(text)
    [written] = re.findall(r"Write it as (\S+\+08:00)", str(refused.value))
    assert moment_of(written) is not None
