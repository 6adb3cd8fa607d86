"""A batch of Segment's API asks for no more work than its bytes allow."""

from typing import Any

import orjson
import pytest

from services.ingress.core.segment import MAX_COPIES_BYTES, MAX_MESSAGES, BatchTooLarge, segment_batch
from services.ingress.core.web import MAX_MESSAGE_BYTES


def batch(messages: int, context: Any) -> dict[str, Any]:
    return {"batch": [{"type": "track", "anonymousId": "a"}] * messages, "context": context}


@pytest.mark.parametrize("messages", [1, 300, MAX_MESSAGES])
def test_what_messages_share_is_as_large_as_all_its_copies_may_be(messages: int) -> None:
    limit = min(MAX_MESSAGE_BYTES, MAX_COPIES_BYTES // messages)
    frame = len(orjson.dumps({"x": ""}))
    fits = {"x": "a" * (limit - frame)}
    assert segment_batch("batch", batch(messages, fits), 0).delivery.context == fits
    with pytest.raises(BatchTooLarge) as refusal:
        segment_batch("batch", batch(messages, {"x": "a" * (limit - frame + 1)}), 0)
    assert refusal.value.limit == limit


def test_many_values_in_what_messages_share_are_refused_before_they_are_copied() -> None:
    with pytest.raises(BatchTooLarge):
        segment_batch("b", batch(MAX_MESSAGES, {f"k{number}": 1 for number in range(100_000)}), 0)


@pytest.mark.parametrize("context", [None, [], "x", 1])
def test_what_is_no_context_is_shared_by_nobody(context: Any) -> None:
    assert segment_batch("import", batch(1, context), 0).delivery.context == {}
    assert segment_batch("import", batch(0, context), 0).messages == []
