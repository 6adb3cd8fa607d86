"""A batch of a website's messages is taken in turns with other requests."""

from collections.abc import Sequence
from typing import Any

import pytest

from projections.identity.resolution.policy import Policy
from services.ingress.core.segment import MAX_MESSAGES, segment_batch
from services.ingress.handlers.daily_dedup import DailyDedup
from services.ingress.handlers.segment import take_messages
from services.ingress.ports import Record
from tests.support.event_loop import turns_of_others
from tests.support.web_bodies import RECEIVED_AT, SITE

WIDE = {f"k{number}": 1 for number in range(300)}


class _Log:
    def __init__(self) -> None:
        self.records: list[Record] = []

    async def append(self, records: Sequence[Record]) -> None:
        self.records += records


class _Identity:
    async def policy(self, tenant: str) -> Policy:  # noqa: ARG002 - as the port has it
        return Policy()

    async def member_ids(self, tenant: str, contacts: Sequence[str]) -> list[str | None]:  # noqa: ARG002 - see above
        return [None for _ in contacts]

    async def known_members(self, tenant: str, ids: Sequence[str]) -> dict[str, str]:  # noqa: ARG002 - see above
        return {}


def _tracked(number: int, **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "e", "anonymousId": f"a{number}", "messageId": f"m{number}"} | fields


@pytest.mark.parametrize(
    ("shared", "own"), [({}, {}), ({}, {"properties": WIDE}), ({"context": WIDE}, {})], ids=["short", "wide", "shared"]
)
async def test_others_have_their_turn_by_the_bytes_of_messages_and_of_what_they_share(
    shared: dict[str, Any], own: dict[str, Any]
) -> None:
    messages = [_tracked(number, **own) for number in range(MAX_MESSAGES)]
    batch, log = segment_batch("batch", {"batch": messages} | shared, RECEIVED_AT), _Log()
    turns = await turns_of_others(take_messages(batch, SITE, log, DailyDedup(), _Identity()))
    assert len(log.records) == MAX_MESSAGES
    # Both when they are read and when they are written, one turn in 64 KB.
    assert turns >= 2 * MAX_MESSAGES * (650 + 2_000 * bool(shared or own)) // 65_536
