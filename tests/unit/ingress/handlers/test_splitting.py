"""A body is split into its items in turns with other requests, and however many values it holds, not for long."""

from typing import Any

import orjson
import pytest

from schemas.codec import InvalidEvent
from services.ingress.core.events import Malformed, Rejected, RequestContext, Unreadable, parse, validate_event
from services.ingress.core.json_values import MOST_OF_RECORD, MOST_VALUES
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


def record_of(values: int) -> dict[str, Any]:
    return {"data": {f"k{number}": [] for number in range(values - 1)}}


@pytest.mark.parametrize("kind", ["application/json", NDJSON])
async def test_a_record_of_too_many_values_is_refused_alone_and_not_validated(kind: str) -> None:
    fits = record_of(MOST_OF_RECORD // 2)
    many = record_of(MOST_OF_RECORD + 1)
    more: dict[str, Any] = {"data": [[{}, {}]] * MOST_OF_RECORD}
    records = [fits, many, {}, more]
    body = orjson.dumps(records) if kind != NDJSON else b"\n".join(map(orjson.dumps, records))
    split_up = await split(body, kind, 10, Turns())
    assert isinstance(split_up, list)
    assert [split_up[0], split_up[2]] == [fits, {}]
    assert [one.reason for one in split_up if isinstance(one, Malformed)] == ["too_many_values"] * 2
    alone = await split(orjson.dumps(many), kind, 10, Turns())
    assert isinstance(alone, list)
    refusal = validate_event(alone[0], 0, RequestContext("t", 0, may_set_tenant=True))
    assert isinstance(refusal, Rejected)
    assert refusal.reason == "too_many_values"


def test_the_body_of_a_command_has_no_more_values_than_a_record() -> None:
    assert parse(orjson.dumps(record_of(MOST_OF_RECORD // 2))) == record_of(MOST_OF_RECORD // 2)
    with pytest.raises(InvalidEvent, match="values"):
        parse(orjson.dumps(record_of(MOST_OF_RECORD + 1)))
