"""A wrong history of customer changes is found."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from projections.identity.outbox import ChangeSequenceRow
from projections.identity.resolution.policy import Policy
from projections.identity.tables import MEMBERS, MemberRow
from schemas.changes import CustomerChange, decode_change, in_parts
from services.verify.check_outbox import ChangeHistory, add_changes, compare_changes
from services.verify.comparing import TableComparison
from tests.support.identity_memory import Memory
from tests.support.streams import id_of
from tests.support.worked_example import ALL

MEMORY = Memory(Policy()).fold_all([event] for event in ALL)
OUTBOX = [decode_change(row.payload.encode()) for row in MEMORY.outbox]

AT_ONCE = Memory(Policy()).fold_all([ALL])
PARTS = [part for row in AT_ONCE.outbox for part in in_parts(decode_change(row.payload.encode()), most_bytes=100)]


def compared(
    changes: Iterable[CustomerChange], members: Iterable[Any] | None = None, memory: Memory = MEMORY
) -> TableComparison:
    history: ChangeHistory = {}
    add_changes(history, changes)
    rows = list(memory.tables[MEMBERS].values())
    sequences = [
        ChangeSequenceRow(*key, seq)
        for key, seq in Counter((row.tenant, row.customer_id) for row in memory.outbox).items()
    ]
    return compare_changes(history, rows if members is None else members, sequences, id_of)


def test_the_changes_rebuild_the_membership() -> None:
    found = compared(OUTBOX)
    assert (found.expected, found.found, found.difference) == (2, 2, None)


def test_repeats_and_order_do_not_matter() -> None:
    assert compared([*reversed(OUTBOX), *OUTBOX[:3]]).difference is None


@pytest.mark.parametrize("lost", range(len(OUTBOX)))
def test_a_missing_change_is_found(lost: int) -> None:
    assert compared([*OUTBOX[:lost], *OUTBOX[lost + 1 :]]).difference is not None


@pytest.mark.parametrize("wrong", range(len(OUTBOX)))
def test_a_change_with_other_contacts_is_found_and_named_without_them(wrong: int) -> None:
    other = OUTBOX[wrong].model_copy(update={"after": ["web:shop:other"]})
    found = compared([*OUTBOX[:wrong], other, *OUTBOX[wrong + 1 :]]).difference
    assert found is not None
    assert "web:shop" not in found


def test_a_change_in_parts_is_followed_part_by_part() -> None:
    assert max(part.parts for part in PARTS) > 1
    assert compared([*reversed(PARTS), *PARTS], memory=AT_ONCE).difference is None


def test_a_missing_part_is_found() -> None:
    for lost in range(len(PARTS)):
        assert compared([*PARTS[:lost], *PARTS[lost + 1 :]], memory=AT_ONCE).difference is not None


def test_a_member_without_a_change_is_found() -> None:
    rows = [MemberRow(*row) for row in MEMORY.tables[MEMBERS].values()]
    more = rows[0]._replace(contact="web:shop:new", contact_id=id_of("demo", "web:shop:new"))
    assert compared(OUTBOX, [*rows, more]).difference is not None
