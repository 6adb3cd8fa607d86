"""A CRM's record becomes events of a contact whose member id its channel vouches for, or a reason."""

from typing import Any

import orjson
import pytest

from schemas import codec
from schemas.events import Event
from services.ingress.core.events import Malformed, Rejected, RequestContext
from services.ingress.core.members import Terms, validate_member
from services.ingress.core.statements import AcceptedItem

NOW = 1_760_000_000_000
M7 = Terms(member_id="M7")


def validated(record: Any, terms: Terms = M7, now: int = NOW, index: int = 0) -> AcceptedItem | Rejected:
    return validate_member(
        orjson.loads(orjson.dumps(record)), index, RequestContext("acme", now, may_set_tenant=False), terms
    )


def stated(record: Any, terms: Terms = M7, now: int = NOW, index: int = 0) -> tuple[Event, ...]:
    outcome = validated(record, terms, now, index)
    assert isinstance(outcome, AcceptedItem), outcome
    return outcome.events


def contents(events: tuple[Event, ...]) -> list[tuple[str, Any]]:
    return [(event.type, orjson.loads(codec.data_json(event))) for event in events]


def ids(record: Any, terms: Terms = M7, now: int = NOW, index: int = 0) -> list[str]:
    return [event.event_id for event in stated(record, terms, now, index)]


def test_all_that_a_record_can_say() -> None:
    events = stated(
        {
            "display_name": "王小明",
            "locale": "zh-TW",
            "phone": {"value": " +886911111111 ", "verified": True},
            "email": "ming@example.com",
            "identifiers": [{"type": "x_card", "value": "C-1"}],
            "tags": {"add": ["VIP", {"tag": "spring", "expires_after": 30}], "remove": ["new"]},
            "attributes": {
                "level": "gold",
                "points": 12,
                "former": None,
                "born": {"value": "1990-01-02", "type": "date"},
            },
        }
    )
    assert contents(events) == [
        (
            "identity.bound",
            {
                "identifiers": [
                    {"type": "phone", "value": "+886911111111", "assurance": "verified"},
                    {"type": "email", "value": "ming@example.com", "assurance": "stated"},
                    {"type": "x_card", "value": "C-1"},
                ],
                "via": "api",
            },
        ),
        ("profile.updated", {"display_name": "王小明", "locale": "zh-TW"}),
        ("tag.removed", {"tag": "new", "source": "crm"}),
        ("tag.added", {"tag": "VIP", "source": "crm"}),
        ("tag.added", {"tag": "spring", "source": "crm", "expires_after": 30}),
        ("attribute.set", {"key": "level", "value": "gold"}),
        ("attribute.set", {"key": "points", "value": 12}),
        ("attribute.unset", {"key": "former"}),
        ("attribute.set", {"key": "born", "value": "1990-01-02", "type": "date"}),
    ]
    for event in events:
        assert event.contact is not None
        assert (event.tenant, event.contact.key, event.source, event.occurred_at) == ("acme", "crm:crm:M7", "crm", NOW)
        assert [(one.type, one.value) for one in event.intrinsic] == [("member_id", "M7")]
    assert [event.event_id for event in events] == sorted(event.event_id for event in events)


def test_a_record_that_says_nothing_says_that_there_is_a_member() -> None:
    records: list[Any] = [
        {},
        {"phone": None, "email": " ", "display_name": "", "tags": None, "attributes": {}, "unbind": []},
    ]
    for record in records:
        assert contents(stated(record)) == [("profile.updated", {})]


def test_what_a_member_no_longer_has_is_taken_back_before_what_it_has_is_stated() -> None:
    record = {"phone": "0922", "previous_phone": "0911", "unbind": [{"type": "x_card", "value": "C-1"}]}
    gone, here = stated(record)
    assert (gone.type, here.type) == ("identity.unbound", "identity.bound")
    assert [(one["type"], one["value"]) for one in contents((gone,))[0][1]["identifiers"]] == [
        ("phone", "0911"),
        ("x_card", "C-1"),
    ]
    assert gone.stamp < here.stamp


def test_the_account_is_the_crms_name_and_the_member_id_is_trimmed_text() -> None:
    records: list[tuple[Any, Terms]] = [
        ({"member_id": " 42 ", "account": "pos"}, Terms()),
        ({"member_id": 42}, Terms("pos")),
        ({}, Terms("pos", member_id=" 42")),
    ]
    for record, terms in records:
        (event,) = stated(record, terms)
        assert event.contact is not None
        assert (event.contact.key, event.source, event.intrinsic[0].value) == ("crm:pos:42", "pos", "42")


def test_it_is_of_the_time_it_was_updated() -> None:
    assert stated({"updated_at": NOW - 5})[0].occurred_at == NOW - 5
    assert stated({"updated_at": NOW + 900_000})[0].occurred_at == NOW, "a clock that is wrong can't win for ever"


RECORD = {"phone": "0911", "tags": {"add": ["VIP"]}}


@pytest.mark.parametrize(
    ("record", "terms"),
    [
        (RECORD | {"event_id": "crm-1"}, M7),
        (RECORD | {"updated_at": NOW - 5}, M7),
        (RECORD, Terms(member_id="M7", key="again")),
        (RECORD | {"updated_at": NOW - 5}, Terms(member_id="M7", key="again")),
    ],
)
def test_a_repeat_has_the_ids_it_had(record: Any, terms: Terms) -> None:
    assert ids(record, terms) == ids(dict(reversed(record.items())), terms, NOW + 7000)
    assert not set(ids(record, terms)) & set(ids(record | {"email": "a@b.co"}, terms))
    assert not set(ids(record, terms)) & set(ids(record, Terms(member_id="M8", key=terms.key)))


def test_without_a_word_for_it_a_record_said_again_is_another() -> None:
    assert ids(RECORD) == ids(RECORD)
    assert not set(ids(RECORD)) & set(ids(RECORD, now=NOW + 1))


def test_of_one_members_records_in_a_request_the_last_counts() -> None:
    """They are of one moment, so their ids decide."""
    for terms in (Terms(member_id="M7"), Terms(member_id="M7", key="k")):
        stamps = [stated({"display_name": name}, terms, index=index)[0].stamp for index, name in enumerate("cabd")]
        assert stamps == sorted(stamps)


@pytest.mark.parametrize("updated_at", ["2025-10-09T08:53:20Z", "1760000000", NOW // 1000, NOW, float(NOW)], ids=repr)
def test_a_record_holds_since_its_time_in_any_spelling(updated_at: Any) -> None:
    outcome = validated({"display_name": "Ming", "updated_at": updated_at}, now=NOW + 9)
    assert isinstance(outcome, AcceptedItem)
    assert [event.occurred_at for event in outcome.events] == [NOW]
    assert outcome.warnings == ()


def test_a_date_that_cannot_be_read_is_set_as_it_is_and_warned_of() -> None:
    typed = {"born": "1960-01-02", "joined": "2025-10-09T08:53:20Z", "left": "yesterday", "seen": "03/04/2026"}
    kinds = {"born": "date", "joined": "datetime", "left": "date", "seen": "datetime"}
    outcome = validated({"attributes": {key: {"value": value, "type": kinds[key]} for key, value in typed.items()}})
    assert isinstance(outcome, AcceptedItem)
    assert [content["value"] for _, content in contents(outcome.events)] == list(typed.values())
    warned = [(one.type, one.value, one.reason) for one in outcome.warnings]
    assert warned == [("attributes.left", "yesterday", "unread"), ("attributes.seen", "03/04/2026", "unread")]


@pytest.mark.parametrize("phone", [886912345678, 886912345678.0, "886912345678"], ids=repr)
def test_a_phone_may_be_a_number_as_tables_export_it(phone: Any) -> None:
    (event, *_) = contents(stated({"phone": phone}))
    assert event[1]["identifiers"] == [{"type": "phone", "value": "886912345678", "assurance": "stated"}]


@pytest.mark.parametrize("updated_at", ["yesterday", "03/04/2026", 17, True, {"at": NOW}], ids=repr)
def test_a_time_that_cannot_be_read_is_kept_and_warned_of(updated_at: Any) -> None:
    outcome = validated({"display_name": "Ming", "updated_at": updated_at})
    assert isinstance(outcome, AcceptedItem)
    assert {event.occurred_at for event in outcome.events} == {NOW}
    assert contents(outcome.events)[-1] == ("crm.member", {"unread": {"updated_at": updated_at}})
    (warning,) = outcome.warnings
    assert (warning.contact, warning.type, warning.reason) == ("crm:crm:M7", "updated_at", "unread")


@pytest.mark.parametrize(
    ("record", "reason", "field"),
    [
        ([], "not_an_object", ""),
        ("M7", "not_an_object", ""),
        ({"member_id": "M8"}, "wrong_member", "member_id"),
        ({"member_id": True}, "invalid_field", "member_id"),
        ({"member_id": "  "}, "invalid_field", "member_id"),
        ({"member_id": "M7" + "x" * 255}, "wrong_member", "member_id"),
        ({"account": "a:b"}, "invalid_field", "account"),
        ({"account": ["crm"]}, "invalid_field", "account"),
        ({"event_id": 7}, "invalid_field", "event_id"),
        ({"via": "login"}, "invalid_field", "via"),
        ({"phone": ["0911"]}, "invalid_field", "phone"),
        ({"phone": {"value": "0911", "verified": "yes"}}, "invalid_field", "phone.verified"),
        ({"email": {"address": "a@b.co"}}, "invalid_field", "email.address"),
        ({"previous_email": {}}, "invalid_field", "previous_email"),
        ({"identifiers": {}}, "invalid_field", "identifiers"),
        ({"identifiers": ["M7"]}, "invalid_field", "identifiers[0]"),
        ({"identifiers": [{"type": "member_id", "value": "M8"}]}, "invalid_field", "identifiers[0]"),
        (
            {"unbind": [{"type": "x_a", "value": "1"}, {"type": "member_id", "value": "M7"}]},
            "invalid_field",
            "unbind[1]",
        ),
        ({"identifiers": [{"type": "X!", "value": "1"}]}, "invalid_field", "identifiers[0].type"),
        ({"identifiers": [{"type": "x_a", "value": "1"}] * 21}, "too_many", "identifiers"),
        ({"display_name": 7}, "invalid_field", "display_name"),
        ({"tags": ["VIP"]}, "invalid_field", "tags"),
        ({"tags": {"add": "VIP"}}, "invalid_field", "tags.add"),
        ({"tags": {"add": ["ok", ""]}}, "invalid_field", "tags.add[1]"),
        ({"tags": {"remove": [7]}}, "invalid_field", "tags.remove[0]"),
        ({"tags": {"add": [{"tag": "x", "expires_after": 366}]}}, "invalid_field", "tags.add[0].expires_after"),
        ({"tags": {"add": ["x"] * 101}}, "too_many", "tags.add"),
        ({"attributes": []}, "invalid_field", "attributes"),
        ({"attributes": {"not a key": 1}}, "invalid_field", "attributes.not a key"),
        ({"attributes": {"a": [1]}}, "invalid_field", "attributes.a"),
        ({"attributes": {"a": {"value": 1, "type": "date"}}}, "invalid_field", "attributes.a"),
        ({"attributes": {f"a{number}": 1 for number in range(201)}}, "too_many", "attributes"),
        ({"attributes": {"a": "x\0"}}, "nul_character", "attributes.a"),
        ({"display_name": "x" * 300_000}, "too_large", ""),
        ({"nickname": "x"}, "unknown_field", "nickname"),
        ({"tenant": "other"}, "unknown_field", "tenant"),
    ],
)
def test_what_is_no_record_says_where(record: Any, reason: str, field: str) -> None:
    outcome = validated(record)
    assert isinstance(outcome, Rejected), outcome
    assert (outcome.reason, outcome.field) == (reason, field)
    assert outcome.detail


def test_a_line_that_is_no_json_is_told_as_such() -> None:
    outcome = validate_member(
        Malformed("malformed JSON"), 3, RequestContext("acme", NOW, may_set_tenant=False), Terms()
    )
    assert outcome == Rejected(3, "not_json", "malformed JSON")
