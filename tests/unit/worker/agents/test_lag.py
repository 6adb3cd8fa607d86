"""What a worker counts as left to fold."""

from types import SimpleNamespace
from typing import Any, cast

from faust.types import TP

from projections.engine.holds import OffsetHold
from services.worker.agents.app import FaustPartitionReader

LOG, EVIDENCE = TP("log", 0), TP("evidence", 0)


def left(hold: OffsetHold | None) -> dict[tuple[str, int], int]:
    consumer = SimpleNamespace(starts={LOG: 10, EVIDENCE: 0}, highwater={LOG: 100, EVIDENCE: None}.get)
    app: Any = SimpleNamespace(hold=hold, consumer=consumer)
    return FaustPartitionReader(cast("Any", app)).left({("log", 0): 40})


def test_what_a_hold_keeps_back_is_not_left() -> None:
    """Else a worker that waits for a comparison would count as stuck, and make no customer rows meanwhile."""
    assert left(None) == {("log", 0): 60, ("evidence", 0): 0}
    assert left({"log": {0: 50}}) == {("log", 0): 10, ("evidence", 0): 0}
    assert left({"log": {0: 30}, "evidence": {}}) == {("log", 0): 0, ("evidence", 0): 0}
