"""Every chunk is taken once, each partition in its order, and never more at once than is allowed."""

from itertools import accumulate
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from projections.engine.offsets import Ownership
from services.runtime.decoding import Decoded
from services.worker.core.chunk import Chunk, DecodedChunk, joined
from services.worker.core.waiting_chunks import WaitingChunks

MOST = 10
SIZES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 12), st.booleans()), max_size=30)


def chunks(sizes: list[tuple[int, int, bool]]) -> list[DecodedChunk]:
    """Chunks by partition and size; some begin a new ownership of their partition."""
    made, ends, owners = [], dict.fromkeys(range(4), 0), {number: Ownership(number, 0, 1) for number in range(4)}
    for partition, size, acquired in sizes:
        start = ends[partition]
        if acquired:
            owners[partition] = Ownership(partition, start, owners[partition].epoch + 1)
        ends[partition] = start + size
        records = cast("Any", list(range(start, start + size)))
        made.append(
            DecodedChunk(Chunk("t", partition, start, start + size, owners[partition], records), Decoded([], []))
        )
    return made


@given(SIZES, st.booleans(), st.sets(st.integers(0, 3), max_size=2))
def test_each_record_is_taken_once_and_in_order(
    sizes: list[tuple[int, int, bool]], together: bool, busy: set[int]
) -> None:
    waiting, given_chunks = WaitingChunks(lambda: MOST, together=together), chunks(sizes)
    for one in given_chunks:
        waiting.add(one)
    taken: list[DecodedChunk] = []
    while work := waiting.take({("t", partition) for partition in busy} if not taken else set()):
        assert len({one.chunk.partition for one in work}) == len(work)
        assert together or len(work) == 1
        records = sum(len(one.chunk.records) for one in work)
        assert records <= MOST or any(records == len(one.chunk.records) for one in given_chunks)
        if not taken:
            assert not {one.chunk.partition for one in work} & busy
        taken += work
    if not taken:
        assert {one.chunk.partition for one in given_chunks} <= busy
    for partition in range(4 if taken else 0):
        expected = [one.chunk for one in given_chunks if one.chunk.partition == partition]
        found = [one.chunk for one in taken if one.chunk.partition == partition]
        assert [record for one in found for record in one.records] == [r for one in expected for r in one.records]
        assert {one.ownership.epoch for one in found} == {one.ownership.epoch for one in expected}
        assert all(one.records == cast("Any", list(range(one.start, one.end))) for one in found)


def test_there_is_room_for_one_chunk_of_any_size() -> None:
    waiting = WaitingChunks(lambda: MOST, together=True)
    assert waiting.has_room(MOST * 5)
    (one,) = chunks([(0, MOST, False)])
    waiting.add(one)
    assert not waiting.has_room(1)
    waiting.take(set())
    assert waiting.has_room(1)


@given(st.lists(st.integers(1, 3), max_size=30), st.integers(0, 3), st.integers(1, MOST))
def test_a_chunk_that_came_when_more_was_allowed_is_cut_into_pieces_that_continue_it(
    steps: list[int], beyond: int, most: int
) -> None:
    """Offsets may be missing in the log, also behind the last record."""
    offsets = list(accumulate(steps))
    records = cast("Any", [SimpleNamespace(offset=one) for one in offsets])
    chunk = Chunk("t", 0, 0, max(offsets, default=-1) + 1 + beyond, Ownership(0, 0, 1), records)
    found = list(WaitingChunks(lambda: most, together=True).pieces(chunk))
    whole = joined([DecodedChunk(one, Decoded([], [])) for one in found]).chunk
    assert whole == chunk
    assert all(len(one.records) <= most for one in found)
    assert [one.end for one in found[:-1]] == [one.start for one in found[1:]]
    assert all(one.start <= record.offset < one.end for one in found for record in one.records)
