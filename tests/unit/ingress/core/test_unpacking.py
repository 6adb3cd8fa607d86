import contextlib
import gzip
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingress.core.unpacking import NotGzip, UnpacksTooLarge, gunzip


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_members_unpack_to_what_was_packed(parts: list[bytes]) -> None:
    assert gunzip(b"".join(gzip.compress(part) for part in parts), 1000) == b"".join(parts)


@pytest.mark.parametrize("cut", [0, 1, 5, 15, 24])
def test_a_body_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(NotGzip):
        gunzip(gzip.compress(b"some text that is packed")[:cut], 1000)


@given(st.binary(max_size=100))
def test_any_bytes_unpack_or_are_refused(raw: bytes) -> None:
    with contextlib.suppress(NotGzip, UnpacksTooLarge):
        assert len(gunzip(raw, 1000)) <= 1000


def test_the_limit_is_exact() -> None:
    packed = gzip.compress(b"a" * 1000)
    assert len(gunzip(packed, 1000)) == 1000
    with pytest.raises(UnpacksTooLarge):
        gunzip(packed, 999)


def test_padding_after_the_end_is_allowed() -> None:
    assert gunzip(gzip.compress(b"a") + b"\x00" * 20, 10) == b"a"


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\x00" * 100_000_000)
    tracemalloc.start()
    with pytest.raises(UnpacksTooLarge):
        gunzip(bomb, 100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
