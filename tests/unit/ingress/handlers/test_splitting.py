"""A body is split into its items in turns with other requests, and however many values it holds, not for long."""

import pytest

from services.ingress.core.events import Malformed, Unreadable
from services.ingress.core.json_values import MOST_VALUES
from services.ingress.handlers.splitting import split
from services.ingress.handlers.turns import Turns
from tests.support.event_loop import turns_of_others

NDJSON = "application/x-ndjson"


async def turns_in(body: bytes) -> int:
    return await turns_of_others(split(body, NDJSON, 100_000, Turns()))


async def test_others_have_their_turn_by_the_work_done_whatever_it_was_for() -> None:
    assert await turns_in(b"{}\n" * 10_000) >= 50
    assert await turns_in(b"[\n" * 10_000) >= 50
    assert await turns_in((b'"' + b"a" * 70_000 + b'"\n') * 50) >= 50


async def test_blank_lines_are_no_items_and_hide_none() -> None:
    blank = b" \n" * 1_000_000
    assert await split(blank + b"{}" + blank + b"x" + blank, NDJSON, 2, Turns()) == [
        {},
        Malformed("malformed JSON near character 0"),
    ]
    assert await split(blank, NDJSON, 2, Turns()) == Unreadable("empty", "the body is empty")
    assert await split(b"{}" + blank + b"{}" + blank, "", 2, Turns()) == [{}, {}]


@pytest.mark.parametrize("value", [b"[]", b"{}", b"1", b"[[[]]]"])
async def test_a_body_of_too_many_values_is_not_parsed(value: bytes) -> None:
    body = b"[" + b",".join([value] * (MOST_VALUES + 1)) + b"]"
    refusal = await split(body, "application/json", 10, Turns())
    assert isinstance(refusal, Unreadable)
    assert refusal.reason == "too_many_values"
