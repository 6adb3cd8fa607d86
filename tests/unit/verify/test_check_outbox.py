"""What a listener believes, and what gives a wrong history of changes away."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from projections.identity.resolution.policy import Policy
from projections.identity.tables import MEMBERS, ToldRow
from schemas.changes import CustomerChange, decode_change
from services.verify.check_outbox import History, compare_told, hear
from services.verify.comparing import Comparison
from tests.property.projections.identity.test_stream_laws import fold
from tests.support.memory import Memory
from tests.support.streams import id_of
from tests.support.worked_example import ALL

MEMORY: Memory = fold([[event] for event in ALL], Policy())
TOLD = [decode_change(row.payload.encode()) for row in MEMORY.told]


def compared(changes: Iterable[CustomerChange], members: Iterable[Any] | None = None) -> Comparison:
    history: History = {}
    hear(history, changes)
    rows = list(MEMORY.tables[MEMBERS].values())
    numbers = [ToldRow(*key, seq) for key, seq in Counter((row.tenant, row.customer_id) for row in MEMORY.told).items()]
    return compare_told(history, rows if members is None else members, numbers, id_of)


def test_what_was_told_is_who_is_who() -> None:
    found = compared(TOLD)
    assert (found.expected, found.found, found.difference) == (2, 2, None)


def test_repeats_and_another_order_change_nothing() -> None:
    assert compared([*reversed(TOLD), *TOLD[:3]]).difference is None


@pytest.mark.parametrize("lost", range(len(TOLD)))
def test_any_change_that_is_lost_is_missed(lost: int) -> None:
    assert compared([*TOLD[:lost], *TOLD[lost + 1 :]]).difference is not None


@pytest.mark.parametrize("wrong", range(len(TOLD)))
def test_any_change_that_says_something_else_is_found(wrong: int) -> None:
    other = TOLD[wrong].model_copy(update={"after": ["web:shop:other"]})
    found = compared([*TOLD[:wrong], other, *TOLD[wrong + 1 :]]).difference
    assert found is not None
    assert "web:shop" not in found  # which are identifiers


def test_a_member_that_nobody_told_of_is_found() -> None:
    rows = list(MEMORY.tables[MEMBERS].values())
    more = rows[0]._replace(contact="web:shop:new", contact_id=id_of("demo", "web:shop:new"))
    assert compared(TOLD, [*rows, more]).difference is not None
