import gc
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import given
from hypothesis import strategies as st

from projections.identity.resolution.policy import Policy
from projections.imports.batches import BatchReader, NumberedRow
from projections.imports.order import ImportOrder
from projections.imports.rows import SourceRow
from projections.imports.statements import RowReader

ORDER = ImportOrder(kind="customers")
FIELDS = ("member_id", "phone")
# Rows of few members, some without one, some with a phone that can't be read, some empty.
ROWS = st.lists(st.tuples(st.sampled_from(["", "1", "2", "3"]), st.sampled_from(["", "0911223344", "12"])), max_size=12)


def reader() -> BatchReader:
    return BatchReader(RowReader(ORDER, FIELDS, {}, Policy()))


def numbered(rows: list[tuple[str, str]]) -> list[NumberedRow]:
    return [(number, SourceRow(number + 1, cells)) for number, cells in enumerate(rows, 1)]


@given(ROWS, st.integers(0, 12))
def test_rows_add_up_and_a_reader_that_passed_over_rows_goes_on_like_one_that_read_them(
    rows: list[tuple[str, str]], passed: int
) -> None:
    given_rows = numbered(rows)
    first, later = reader(), reader()
    before = first.read(given_rows[:passed])
    later.pass_over(given_rows[:passed])
    batch = first.read(given_rows[passed:])
    assert batch == later.read(given_rows[passed:])
    for one in (before, batch):
        assert len(one.read) + len(one.refused) + one.empty == len(one.rows)
    uids = [row.uid for row in (*before.read, *batch.read)]
    assert len({*uids}) == len(uids)


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_a_batch_does_not_wait_for_the_garbage_collector() -> None:
    rows = numbered([("", "0911223344"), ("1", "12"), ("1", ""), ("1", "")])
    with without_collector():
        batch = reader().read(rows)
        assert [one.reason for one in batch.refused] == ["no_member_id", "no_phone", "repeated"]
        del batch, rows
        assert not [one for one in gc.get_objects() if isinstance(one, SourceRow)]
