"""Moments are given with their offset from UTC."""

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
