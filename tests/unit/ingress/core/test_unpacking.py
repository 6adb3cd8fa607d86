import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingress.core.unpacking import MOST_MEMBERS, Gunzip, NotGzip, UnpacksTooLarge, gunzip


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


def streamed(raw: bytes, limit: int, step: int) -> bytes:
    unpacking = Gunzip(limit)
    out = b"".join(piece for start in range(0, len(raw), step) for piece in unpacking.feed(raw[start : start + step]))
    unpacking.finish()
    return out


def unpacked_or_refused(unpack: Callable[[], bytes]) -> bytes | None:
    """None if it is refused: of a body that is damaged and too large, either may be found first."""
    try:
        return unpack()
    except (NotGzip, UnpacksTooLarge):
        return None


packed = st.lists(st.binary(max_size=300).map(gzip.compress), max_size=3).map(b"".join)
damaged = st.builds(lambda raw, cut, padding: raw[:cut] + padding, packed, st.integers(0, 400), st.binary(max_size=9))


@given(packed | damaged | st.binary(max_size=60), st.integers(1, 50), st.integers(0, 500))
def test_unpacking_as_it_comes_in_comes_to_the_same(raw: bytes, step: int, limit: int) -> None:
    assert unpacked_or_refused(lambda: streamed(raw, limit, step)) == unpacked_or_refused(lambda: gunzip(raw, limit))


def test_a_bomb_that_streams_in_is_unpacked_a_piece_at_a_time() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    unpacking, sizes = Gunzip(3_000_000), list[int]()
    tracemalloc.start()
    try:
        with pytest.raises(UnpacksTooLarge):
            sizes.extend(len(piece) for piece in unpacking.feed(bomb))
        assert sum(sizes) > 1_048_576 >= max(sizes)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


EMPTY = gzip.compress(b"")


class Counted:
    """zlib's object for a member, which adds up the bytes that are handed to any of them: what it may have to copy."""

    handed = 0

    def __init__(self, member: Any) -> None:
        self._member = member

    def decompress(self, raw: bytes, most: int) -> bytes:
        Counted.handed += len(raw)
        unpacked: bytes = self._member.decompress(raw, most)
        return unpacked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._member, name)


def handed_for(members: int, monkeypatch: pytest.MonkeyPatch) -> int:
    Counted.handed, real = 0, zlib.decompressobj
    with monkeypatch.context() as patched:
        patched.setattr(zlib, "decompressobj", lambda window: Counted(real(window)))
        assert gunzip(EMPTY * members, 1000) == b""
    return Counted.handed


def test_the_work_on_many_members_is_linear_in_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = handed_for(1_000, monkeypatch), handed_for(8_000, monkeypatch)
    assert many < 9 * few


def test_a_body_has_a_limited_number_of_members() -> None:
    assert gunzip(EMPTY * MOST_MEMBERS, 1000) == b""
    with pytest.raises(NotGzip):
        gunzip(EMPTY * (MOST_MEMBERS + 1), 1000)
