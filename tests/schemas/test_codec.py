"""Bytes to event and back: what is refused, for which reason, and that nothing else can happen."""

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import ValidationError

from schemas import codec
from schemas.codec import InvalidEvent
from schemas.events import Event
from schemas.events.base import EARLIEST_MS, LATEST_MS
from schemas.events.profile import AttributeValue
from tests.support.strategies import BASE_MS, events, json_values

REASONS = {
    "empty",
    "sealed",
    "too_large",
    "not_json",
    "not_an_object",
    "nul_character",
    "too_deep",
    "future_version",
    "invalid_field",
}


def _raw(*, data: bytes = b'{"tag":"VIP"}', **changes: Any) -> bytes:
    envelope = {
        "event_id": "e1",
        "tenant": "demo",
        "contact": {"channel": "line", "account": "oa1", "uid": "U1"},
        "type": "tag.added",
        "occurred_at": BASE_MS,
        "received_at": BASE_MS,
        "source": "api",
    }
    return orjson.dumps(envelope | changes)[:-1] + b',"data":' + data + b"}"


def _unknown(data: bytes) -> bytes:
    return _raw(type="line.beacon", data=data)


def _refusal(raw: bytes | None) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as refused:
        codec.decode(raw)
    assert refused.value.reason in REASONS
    return refused.value


def _outcome(raw: bytes) -> Event | str:
    """The event, or the reason why there is none; any other exception is a failure."""
    try:
        return codec.decode(raw)
    except InvalidEvent as refused:
        return refused.reason


def _storable(value: Any, depth: int = 0) -> bool:
    """Whether PostgreSQL can keep it and any JSON reader read it."""
    assert depth <= codec.MAX_DEPTH
    if isinstance(value, str):
        return "\x00" not in value and value.encode() is not None
    if isinstance(value, dict):
        return all(_storable(key) and _storable(inner, depth + 1) for key, inner in value.items())
    if isinstance(value, list):
        return all(_storable(inner, depth + 1) for inner in value)
    return True


@given(events())
def test_what_was_encoded_is_decoded_as_it_was(event: Event) -> None:
    assert codec.decode(codec.encode(event)) == event


@given(events())
def test_encoding_is_stable(event: Event) -> None:
    raw = codec.encode(event)
    assert codec.encode(codec.decode(raw)) == raw


@given(events())
def test_data_json_is_the_same_before_and_after_the_log(event: Event) -> None:
    assert codec.data_json(codec.decode(codec.encode(event))) == codec.data_json(event)


@given(st.binary(max_size=200))
@example(b"\xe5\x01")  # as a sealed record begins
def test_any_bytes_are_an_event_or_refused(raw: bytes) -> None:
    assert isinstance(_outcome(raw), Event) or _outcome(raw) in REASONS


_fields = st.sampled_from(
    ["event_id", "tenant", "contact", "type", "occurred_at", "schema_version", "intrinsic", "data"]
)
_odd: SearchStrategy[Any] = st.sampled_from(
    [-1, 0, 1.5, "", "\x00", [], {}, None, True, 2**63, 10**18, "a" * 300, {"a": {"b": "\x00"}}]
)


@given(st.dictionaries(_fields, json_values | _odd, max_size=3), st.sampled_from(["tag.added", "line.beacon"]))
def test_any_envelope_is_a_storable_event_or_refused(changes: dict[str, Any], type_name: str) -> None:
    raw = orjson.dumps(orjson.loads(_raw(type=type_name)) | changes)
    outcome = _outcome(raw)
    if isinstance(outcome, Event):
        assert _storable(orjson.loads(codec.encode(outcome)))
        assert codec.decode(codec.encode(outcome)) == outcome
    else:
        assert outcome in REASONS


@given(json_values)
def test_any_data_of_an_unknown_type_are_kept_or_refused(value: Any) -> None:
    event = codec.decode(_unknown(orjson.dumps({"value": value})))
    assert orjson.loads(codec.data_json(event)) == {"value": value}


@pytest.mark.parametrize("raw", [None, b""])
def test_no_value_is_empty(raw: bytes | None) -> None:
    assert _refusal(raw).reason == "empty"


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"\xff\xfe",
        b'{"a": NaN}',
        b"\xef\xbb\xbf{}",
        b'{"a": "\\ud800"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": 1e400}',
        b'{"a": 1' + b"0" * 400 + b"}",
        b"[" * 5_000,
    ],
)
def test_malformed_json_is_refused(raw: bytes) -> None:
    assert _refusal(raw).reason == "not_json"


@pytest.mark.parametrize("raw", [b"[]", b"null", b"1", b'"event"'])
def test_json_that_is_no_object_is_refused(raw: bytes) -> None:
    assert _refusal(raw).reason == "not_an_object"


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (_raw(event_id="e\x001"), "event_id"),
        (_raw(data=b'{"tag":"\\u0000"}'), "data.tag"),
        (_unknown(b'{"list":[1,{"inner":"a\\u0000"}]}'), "data.list[1].inner"),
        (_unknown(b'{"k\\u0000":1}'), "data"),
    ],
)
def test_nul_character_is_refused_wherever_it_is(raw: bytes, field: str) -> None:
    refused = _refusal(raw)
    assert (refused.reason, refused.field) == ("nul_character", field)


def test_text_about_a_nul_escape_is_no_nul_character() -> None:
    event = codec.decode(_raw(data=b'{"tag":"\\\\u0000"}'))
    assert codec.data_json(event) == '{"tag":"\\\\u0000"}'


def _nested(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return b'{"a":' + opening * levels + b"1" + closing * levels + b"}"


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_limited_the_same_with_and_without_a_backslash(opening: bytes, closing: bytes) -> None:
    deepest = codec.MAX_DEPTH - 2  # the envelope and the data are levels themselves
    codec.decode(_unknown(_nested(deepest, opening, closing)))
    assert _refusal(_unknown(_nested(deepest + 1, opening, closing))).reason == "too_deep"
    with_backslash = _nested(deepest + 1, opening, closing).replace(b"1", b'"\\\\u0000"')
    assert _refusal(_unknown(with_backslash)).reason == "too_deep"


def test_many_objects_side_by_side_are_not_deep() -> None:
    codec.decode(_unknown(b'{"a":[' + b",".join([b"{}"] * 500) + b"]}"))


def test_an_event_has_a_greatest_size() -> None:
    room = codec.MAX_EVENT_BYTES - len(_unknown(b'{"text":""}'))
    codec.decode(_unknown(b'{"text":"' + b"a" * room + b'"}'))
    assert _refusal(_unknown(b'{"text":"' + b"a" * (room + 1) + b'"}')).reason == "too_large"
    assert _refusal(_unknown(b'{"text":"' + b"a" * 1_000_000 + b'"}')).reason == "too_large"


@pytest.mark.parametrize(
    "time",
    [
        pytest.param(1_762_401_600, id="seconds"),
        pytest.param(-1_762_401_600_000, id="negative"),
        pytest.param(EARLIEST_MS - 1, id="too early"),
        pytest.param(LATEST_MS + 1, id="too late"),
        pytest.param(10**18, id="nanoseconds"),
        pytest.param(True, id="flag"),
        pytest.param(1_762_401_600_000.0, id="float"),
        pytest.param("1762401600000", id="text"),
        pytest.param(None, id="null"),
    ],
)
@pytest.mark.parametrize("field", ["occurred_at", "received_at"])
def test_time_is_whole_milliseconds(field: str, time: Any) -> None:
    refused = _refusal(_raw(**{field: time}))
    assert (refused.reason, refused.field) == ("invalid_field", field)


@pytest.mark.parametrize("time", [EARLIEST_MS, LATEST_MS])
def test_first_and_last_millisecond_are_valid(time: int) -> None:
    assert codec.decode(_raw(occurred_at=time)).occurred_at == time


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event_id": ""}, "event_id"),
        ({"event_id": "e" * 256}, "event_id"),
        ({"tenant": "Demo"}, "tenant"),
        ({"tenant": "a|b"}, "tenant"),
        ({"contact": {"channel": "telegram", "account": "a", "uid": "u"}}, "contact.channel"),
        ({"contact": {"channel": "line", "account": "a:b", "uid": "u"}}, "contact.account"),
        ({"contact": {"channel": "line", "account": "a"}}, "contact.uid"),
        ({"type": ""}, "type"),
        ({"type": ["tag.added"]}, "type"),
        ({"schema_version": 0}, "schema_version"),
        ({"schema_version": True}, "schema_version"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_refusal_names_the_field(changes: dict[str, Any], field: str) -> None:
    refused = _refusal(_raw(**changes))
    assert (refused.reason, refused.field) == ("invalid_field", field)


def test_refusal_never_shows_the_value() -> None:
    refused = _refusal(_raw(contact={"channel": "line", "account": "a", "uid": ["secret-uid"]}))
    assert "secret-uid" not in f"{refused} {refused.detail} {refused.field}"


def test_of_a_repeated_key_the_last_one_counts() -> None:
    event = codec.decode(_raw(data=b'{"tag":"first","tag":"last"}'))
    assert codec.data_json(event) == '{"tag":"last"}'


def test_a_number_of_more_than_64_bits_becomes_the_nearest_float() -> None:
    event = codec.decode(_unknown(b'{"n":18446744073709551616}'))
    assert event.data == {"n": 2.0**64}
    assert codec.decode(codec.encode(event)) == event


@pytest.mark.parametrize(
    "value",
    ["\ud800", {"\udfff": 1}, float("inf"), float("nan"), 10**400, {1: 2}, {1, 2}, b"bytes"],
)
def test_objects_that_no_json_holds_are_refused_too(value: Any) -> None:
    with pytest.raises(InvalidEvent) as refused:
        codec.from_dict(orjson.loads(_unknown(b"{}")) | {"data": {"value": value}})
    assert refused.value.reason in {"not_json", "invalid_field"}


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_no_event_can_be_made_that_json_could_not_carry(value: float) -> None:
    with pytest.raises(ValidationError):
        AttributeValue(key="points", value=value)


def _bound(*assurance: Any) -> bytes:
    stated: dict[str, Any] = {"type": "phone", "value": "+886911111111"}
    if assurance:
        stated["assurance"] = assurance[0]
    return _raw(type="identity.bound", data=orjson.dumps({"identifiers": [stated]}))


def test_an_assurance_that_is_left_out_and_one_that_is_null_are_the_same() -> None:
    assert codec.encode(codec.decode(_bound())) == codec.encode(codec.decode(_bound(None)))


@pytest.mark.parametrize("assurance", ["verified", "stated", "claimed"])
def test_an_assurance_is_kept(assurance: str) -> None:
    assert (
        orjson.loads(codec.encode(codec.decode(_bound(assurance))))["data"]["identifiers"][0]["assurance"] == assurance
    )


@pytest.mark.parametrize("assurance", ["certain", "", "Verified", 1, True, ["verified"]])
def test_an_event_with_any_other_assurance_is_refused(assurance: Any) -> None:
    refusal = _refusal(_bound(assurance))
    assert (refusal.reason, refusal.field) == ("invalid_field", "data.identifiers[0].assurance")
