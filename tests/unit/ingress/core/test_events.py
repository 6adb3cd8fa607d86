import json
from dataclasses import replace
from typing import Any

import orjson
import pytest

from schemas import codec
from schemas.codec import MAX_EVENT_BYTES
from schemas.events import AccountRef, ContactRef
from services.ingress.core.events import (
    Accepted,
    EventResult,
    Rejected,
    RequestContext,
    Unreadable,
    accept,
    parse,
    policy_refusal,
    validate_event,
)
from services.ingress.core.policies import validate_policy

NOW = 1_760_000_000_000
CONTEXT = RequestContext("acme", NOW, may_set_tenant=False)
ADMIN = replace(CONTEXT, may_set_tenant=True)
GOOD: dict[str, Any] = {
    "type": "tag.added",
    "contact": {"channel": "web", "account": "shop", "uid": "c1"},
    "occurred_at": NOW - 1,
    "data": {"tag": "VIP"},
}


def take(body: bytes | str, content_type: str = "application/json", most: int = 100) -> list[EventResult]:
    outcomes = accept(body.encode() if isinstance(body, str) else body, content_type, CONTEXT, most)
    assert not isinstance(outcomes, Unreadable), outcomes
    return outcomes


def one(event: Any) -> EventResult:
    (outcome,) = take(json.dumps(event))
    return outcome


def refused(event: Any) -> Rejected:
    outcome = one(event)
    assert isinstance(outcome, Rejected), outcome
    return outcome


def accepted(event: Any) -> Accepted:
    outcome = one(event)
    assert isinstance(outcome, Accepted), outcome
    return outcome


def test_what_may_be_left_out_is_filled_in() -> None:
    event = accepted(GOOD).event
    assert (event.tenant, event.received_at, event.source, event.schema_version) == ("acme", NOW, "api", 1)
    assert event.event_id.startswith("hash:")
    assert event.occurred_at == NOW - 1


def test_the_producers_own_id_and_source_are_kept() -> None:
    event = accepted(GOOD | {"event_id": "order-1", "source": "pos", "tenant": "acme", "received_at": 5}).event
    assert (event.event_id, event.source, event.received_at) == ("order-1", "pos", NOW)


def test_a_repeat_has_the_same_id_whenever_it_comes_and_however_its_keys_are_ordered() -> None:
    again = {key: GOOD[key] for key in reversed(GOOD)} | {"occurred_at": NOW + 10**9}
    first = accepted(GOOD | {"occurred_at": NOW + 10**9}).event
    later = accept(json.dumps(again).encode(), "", RequestContext("acme", NOW + 77, may_set_tenant=False), 1)
    assert isinstance(later, list)
    assert isinstance(later[0], Accepted)
    assert later[0].event.event_id == first.event_id
    assert accepted(GOOD).event.event_id != first.event_id


@pytest.mark.parametrize(("ahead", "clamped"), [(300_000, False), (300_001, True), (10**12, True)])
def test_a_time_more_than_five_minutes_ahead_is_taken_to_be_now(ahead: int, *, clamped: bool) -> None:
    assert accepted(GOOD | {"occurred_at": NOW + ahead}).event.occurred_at == (NOW if clamped else NOW + ahead)


@pytest.mark.parametrize(
    ("occurred_at", "hint"),
    [
        (None, "missing"),
        (1_760_000_000, "seconds"),
        (0, "seconds"),
        (-5, "negative"),
        (-(10**30), "JSON number"),
        (NOW * 1000, "micro"),
        (10**40, "JSON number"),
        (float(NOW), "fraction"),
        (str(NOW), "JSON number"),
        (True, "JSON number"),
        ([NOW], "JSON number"),
    ],
)
def test_a_time_that_is_none_is_refused_with_a_hint(occurred_at: Any, hint: str) -> None:
    outcome = refused(GOOD | {"occurred_at": occurred_at})
    assert (outcome.reason, outcome.field) == ("invalid_time", "occurred_at")
    assert hint in outcome.detail


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"contact": {"channel": "telegram", "account": "a", "uid": "u"}}, "invalid_field", "contact.channel"),
        ({"contact": {"channel": "web", "account": "a"}}, "invalid_field", "contact.uid"),
        ({"contact": {"channel": "web", "account": "a:b", "uid": "u"}}, "invalid_field", "contact.account"),
        ({"type": None}, "invalid_field", "type"),
        ({"data": {}}, "invalid_field", "data.tag"),
        ({"data": {"tag": "VIP\x00"}}, "nul_character", "data.tag"),
        ({"data": {"tag": "a\ud800"}}, "not_json", "data.tag"),
        ({"data": {"tag": float("nan")}}, "not_json", "data.tag"),
        ({"data": {"a\ud800": 1}}, "not_json", "data"),
        ({"type": "x", "data": {"n": 10**5000}}, "not_json", "data.n"),
        ({"surprise": 1}, "invalid_field", "surprise"),
        ({"tenant": "other"}, "wrong_tenant", "tenant"),
        ({"tenant": None}, "wrong_tenant", "tenant"),
        ({"schema_version": 9}, "future_version", "schema_version"),
        ({"event_id": ""}, "invalid_field", "event_id"),
        ({"event_id": 5}, "invalid_field", "event_id"),
        ({"source": None}, "invalid_field", "source"),
    ],
)
def test_each_fault_has_its_reason_and_its_field(change: dict[str, Any], reason: str, field: str) -> None:
    with_huge_numbers = json.dumps(GOOD | change) if "n" not in change.get("data", {}) else _huge(change)
    (outcome,) = take(with_huge_numbers)
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.field) == (reason, field)


def _huge(change: dict[str, Any]) -> str:
    return json.dumps(GOOD | change | {"data": {"n": "HUGE"}}).replace('"HUGE"', "9" * 5000)


@pytest.mark.parametrize("item", [None, 1, "text", [], True])
def test_what_is_no_object_is_refused(item: Any) -> None:
    (outcome,) = take(json.dumps([item]))
    assert isinstance(outcome, Rejected)
    assert outcome.reason == "not_an_object"


def test_a_missing_type_is_refused() -> None:
    outcome = refused({key: value for key, value in GOOD.items() if key != "type"})
    assert (outcome.reason, outcome.field) == ("invalid_field", "type")


def test_an_unknown_type_is_accepted() -> None:
    assert accepted(GOOD | {"type": "pos.paid", "data": {"total": 7}}).event.type == "pos.paid"


def test_an_event_without_a_contact_is_accepted() -> None:
    assert accepted({"type": "pos.opened", "occurred_at": NOW}).event.contact is None


SPOILT = [
    b'{"type": "x", "occurred_at": ',
    b'"text"',
    b'{"type": "x", "occurred_at": 1760000000000, "data": {"t": "\\ud800"}}',
    b'{"type": "x", "occurred_at": 1760000000000, "data": {"t": "\xff"}}',
    b'{"type": "x", "occurred_at": 1760000000000, "data": {"t": "\\u0000"}}',
    b'{"type": "x", "occurred_at": 1760000000000, "data": {"t": "' + b"a" * 1_000_000 + b'"}}',
]


@pytest.mark.parametrize("spoilt", SPOILT)
def test_the_lines_around_a_bad_one_go_through(spoilt: bytes) -> None:
    good = json.dumps(GOOD).encode()
    outcomes = take(b"\n".join([good, b"", spoilt, good, b""]), "application/x-ndjson; charset=utf-8")
    assert [type(outcome) for outcome in outcomes] == [Accepted, Rejected, Accepted]
    assert [outcome.index for outcome in outcomes] == [0, 1, 2]


@pytest.mark.parametrize("spoilt", SPOILT[1:])
def test_the_events_around_a_bad_one_in_an_array_go_through(spoilt: bytes) -> None:
    good = json.dumps(GOOD).encode()
    outcomes = take(b"[" + b",".join([good, spoilt, good]) + b"]")
    assert [type(outcome) for outcome in outcomes] == [Accepted, Rejected, Accepted]


def test_several_lines_are_events_without_being_called_so() -> None:
    lines = "\r\n".join(json.dumps(GOOD | {"event_id": name}) for name in "abc")
    outcomes = take(lines + "\r\n{broken\r\n")
    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, Accepted, Rejected]


@pytest.mark.parametrize("body", ["{", '{\n  "type": "x",\n}', '[{"a": 1},\n{"b": 2}', "nonsense", "[1, 2", "\ufeff{}"])
def test_a_body_that_is_no_json_is_refused_whole(body: str) -> None:
    outcome = accept(body.encode(), "application/json", CONTEXT, 10)
    assert isinstance(outcome, Unreadable)
    assert outcome.reason == "not_json"


@pytest.mark.parametrize("body", [b"", b" \r\n\t "])
def test_an_empty_body_is_refused(body: bytes) -> None:
    assert isinstance(accept(body, "", CONTEXT, 10), Unreadable)


def test_an_empty_array_is_no_fault() -> None:
    assert take("[]") == []


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_more_events_than_allowed_are_refused_whole(content_type: str) -> None:
    good = json.dumps(GOOD)
    body = "\n".join([good] * 3) if "nd" in content_type else f"[{good},{good},{good}]"
    assert len(take(body, content_type, most=3)) == 3
    outcome = accept(body.encode(), content_type, CONTEXT, 2)
    assert isinstance(outcome, Unreadable)
    assert outcome.reason == "too_many"


def test_nesting_without_end_is_refused() -> None:
    assert isinstance(accept(b"[" * 100_000, "", CONTEXT, 10), Unreadable)
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    assert refused(GOOD | {"type": "x", "data": {"deep": deep}}).reason == "too_deep"


def test_an_event_is_as_large_as_the_log_takes_it_and_no_larger() -> None:
    def sized(length: int) -> EventResult:
        return one({"type": "x", "event_id": "e", "occurred_at": NOW, "data": {"text": "a" * length}})

    frame = len(orjson.dumps(orjson.loads(accepted({"type": "x", "event_id": "e", "occurred_at": NOW}).raw)))
    room = MAX_EVENT_BYTES - frame - len('"text":""')
    largest = sized(room)
    assert isinstance(largest, Accepted)
    assert len(largest.raw) == MAX_EVENT_BYTES
    assert codec.decode(largest.raw) == largest.event
    too_large = sized(room + 1)
    assert isinstance(too_large, Rejected)
    assert too_large.reason == "too_large"


def test_events_that_set_the_tenant_need_an_admins_key() -> None:
    event = json.dumps({"type": "tenant.quota_set", "occurred_at": NOW, "data": {"limit": 5}}).encode()
    for context in (CONTEXT, replace(CONTEXT, may_set_tenant=True)):
        (outcome,) = list(accept(event, "", context, 1))  # type: ignore[arg-type]
        assert isinstance(outcome, Accepted) is context.may_set_tenant
        assert context.may_set_tenant or outcome.reason == "not_allowed"  # type: ignore[union-attr]


def test_an_event_that_sets_a_policy_is_refused_as_the_policys_own_route_refuses_it() -> None:
    policy = {"blocked": ["a{4294967296}"]}
    by_event = validate_event({"type": "tenant.policy_set", "occurred_at": NOW, "data": {"policy": policy}}, 0, ADMIN)
    by_route = validate_policy(json.dumps({"policy": policy}).encode(), ADMIN)
    assert isinstance(by_event, Rejected)
    assert isinstance(by_route, Rejected)
    assert (by_event.reason, by_event.detail) == (by_route.reason, by_route.detail)
    assert (by_event.field, by_route.field) == ("data.policy", "policy")


@pytest.mark.parametrize(
    "wishes", [None, [], "default", {"types": 1}, {"types": {"phone": {"limit": True}}}, {"x": "\ud800"}]
)
def test_what_is_no_policy_is_refused_in_words_that_an_answer_can_hold(wishes: Any) -> None:
    refusal = policy_refusal(wishes)
    assert refusal is not None
    assert 0 < len(refusal.encode()) <= 2000


def test_a_policy_is_accepted_as_an_event() -> None:
    event = {"type": "tenant.policy_set", "occurred_at": NOW, "data": {"policy": {"types": {"phone": {"limit": 4}}}}}
    assert isinstance(validate_event(event, 0, ADMIN), Accepted)


def test_a_member_id_that_became_another_is_the_tenants_and_no_contacts() -> None:
    event = {"type": "member.merged", "occurred_at": NOW, "data": {"member_id": "M7", "into": "N7"}}
    assert accepted(event).event.contact is None
    outcome = refused(event | {"contact": GOOD["contact"]})
    assert (outcome.reason, outcome.field) == ("invalid_field", "contact")


def test_an_event_is_about_a_contact_or_an_account() -> None:
    event = {"type": "site.updated", "occurred_at": NOW, "account": {"channel": "web", "account": "shop"}}
    assert accepted(event).event.account == AccountRef(channel="web", account="shop")
    outcome = refused(event | {"contact": GOOD["contact"]})
    assert (outcome.reason, outcome.field) == ("invalid_field", "account")


def test_a_number_with_two_spellings_is_one_contact_wherever_it_is_named() -> None:
    sent, kept = ({"channel": "whatsapp", "account": "n1", "uid": uid} for uid in ("5215512345678", "525512345678"))
    event: dict[str, Any] = {"type": "identity.decided", "occurred_at": NOW}
    event["contact"] = sent | {"uid": "+5511987654321"}
    event["data"] = {"other": sent, "decision": "same", "by": "anna"}
    taken = accepted(event).event
    assert taken.contact == ContactRef(channel="whatsapp", account="n1", uid="551187654321")
    assert orjson.loads(codec.encode(taken))["data"]["other"] == kept


@pytest.mark.parametrize("number", ["-9223372036854775809", "18446744073709551616", "1" * 30, "1" * 309, "1" * 5_000])
def test_a_number_beyond_64_bits_is_read_alike_beside_text_that_strict_json_refuses(number: str) -> None:
    def read(neighbour: bytes) -> Any:
        return parse(b"[" + neighbour + b"," + number.encode() + b"]")[1]

    assert read(b'"\\ud800"') == read(b'"a"')
