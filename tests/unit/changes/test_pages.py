"""Which changes a listener wants, and where its cursor is after each."""

from uuid import UUID

from services.changes.pages import ChangeRecord, FeedPage, Wanted, in_time, record_of

CUSTOMER = UUID(int=7)


def change(offset: int, type_name: str = "created", tenant: str = "demo", customer: UUID = CUSTOMER) -> ChangeRecord:
    return record_of(0, offset, offset, f"{tenant}|{customer}".encode(), b'{"type":"%b"}' % type_name.encode())


def test_tenant_customer_and_type_choose() -> None:
    assert Wanted("demo").has(change(0))
    assert not Wanted("demo").has(change(0, tenant="demo2"))
    assert Wanted("demo", CUSTOMER).has(change(0))
    assert not Wanted("demo", UUID(int=8)).has(change(0))
    assert Wanted("demo", types=frozenset({"merged", "created"})).has(change(0))
    assert not Wanted("demo", types=frozenset({"merged"})).has(change(0))


def test_what_is_no_change_is_nobody_s() -> None:
    for key, value in ((None, b"{}"), (b"demo", b"{}"), (b"demo|x", None), (b"\xff|x", b"{}")):
        assert not Wanted("demo").has(record_of(0, 0, 0, key, value))
    assert not Wanted("demo", types=frozenset({"created"})).has(record_of(0, 0, 0, b"demo|x", b"no JSON"))
    assert not Wanted("demo", CUSTOMER).has(record_of(0, 0, 0, b"demo|no id", b"{}"))


def test_each_change_has_the_cursor_after_it_and_the_page_moves_past_the_others() -> None:
    page = FeedPage([0], limit=2)
    page.take([change(0), change(1, tenant="other"), change(2), change(3)], Wanted("demo"))
    assert [one.offsets for one in page.changes] == [(1,), (3,)]
    assert (page.offsets, page.more) == ([3], True)
    page = FeedPage([3], limit=2)
    page.take([change(2), change(3), change(4, tenant="other")], Wanted("demo"))
    assert [one.offsets for one in page.changes] == [(4,)]
    assert (page.offsets, page.more) == ([5], False)


def test_a_page_has_a_bounded_size() -> None:
    large = [ChangeRecord(0, number, 0, "demo", "", b"x" * 600_000) for number in range(9)]
    page = FeedPage([0], limit=9)
    page.take(large, Wanted("demo"))
    assert len(page.changes) == 2


def test_partitions_are_merged_by_time_and_each_keeps_its_order() -> None:
    first = [change(0)._replace(at=5), change(1)._replace(at=3)]
    second = [change(0)._replace(partition=1, at=4)]
    assert [(one.partition, one.offset) for one in in_time([first, second])] == [(1, 0), (0, 0), (0, 1)]
