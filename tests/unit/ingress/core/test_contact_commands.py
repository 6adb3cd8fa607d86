"""A command becomes events of now of its contact, or a reason."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.events import Event
from services.ingress.core.contact_commands import EVERY_KIND, Command, validate_command
from services.ingress.core.events import Rejected, RequestContext
from services.ingress.core.statements import AcceptedItem
from tests.support.strategies import odd_json

NOW = 1_760_000_000_000
CONTACT = {"channel": "line", "account": "oa1", "uid": "U1"}
COMMANDS: list[Command] = ["unsubscribe", "resubscribe", "tags", "attributes", "unbind"]
PHONE = {"type": "phone", "value": "+886911111111"}


def validated(command: Command, body: Any, key: str | None = None, now: int = NOW) -> AcceptedItem | Rejected:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return validate_command(command, CONTACT, raw, RequestContext("acme", now, may_set_tenant=False), key)


def stated(command: Command, body: Any, key: str | None = None, now: int = NOW) -> tuple[Event, ...]:
    outcome = validated(command, body, key, now)
    assert isinstance(outcome, AcceptedItem), outcome
    return outcome.events


def contents(events: tuple[Event, ...]) -> list[tuple[str, Any]]:
    return [(event.type, orjson.loads(codec.data_json(event))) for event in events]


def test_unsubscribing_is_from_every_kind_unless_some_are_named() -> None:
    (event,) = stated("unsubscribe", b"")
    assert (event.tenant, event.contact and event.contact.key, event.occurred_at) == ("acme", "line:oa1:U1", NOW)
    assert contents((event,)) == [("marketing.opted_out", {"kinds": ["broadcast", "web_push", "cart_remarketing"]})]
    body = {"kinds": ["broadcast"], "by": "amy"}
    assert contents(stated("unsubscribe", body)) == [("marketing.opted_out", body)]
    assert contents(stated("resubscribe", body)) == [("marketing.opted_in", body)]
    assert contents(stated("resubscribe", {})) == [("marketing.opted_in", {"kinds": list(EVERY_KIND)})]


def test_tags_and_attributes_come_and_go() -> None:
    body = {"add": ["VIP", {"tag": "spring", "expires_after": 9}], "remove": ["VIP"], "source": "manual"}
    assert contents(stated("tags", body)) == [
        ("tag.removed", {"tag": "VIP", "source": "manual"}),
        ("tag.added", {"tag": "VIP", "source": "manual"}),
        ("tag.added", {"tag": "spring", "source": "manual", "expires_after": 9}),
    ]
    assert contents(stated("attributes", {"set": {"level": "gold", "old": None}, "unset": ["points"]})) == [
        ("attribute.unset", {"key": "points"}),
        ("attribute.set", {"key": "level", "value": "gold"}),
        ("attribute.unset", {"key": "old"}),
    ]


def test_unbinding_says_from_what_by_whom_and_why() -> None:
    body = {"identifiers": [PHONE], "linked_contact": "web:shop:c:1", "by": "amy", "note": "her mother's"}
    common = {"via": "api", "by": "amy", "note": "her mother's"}
    assert contents(stated("unbind", body)) == [
        ("identity.unbound", {"identifiers": [PHONE], **common}),
        (
            "identity.unbound",
            {"identifiers": [], "linked_contact": {"channel": "web", "account": "shop", "uid": "c:1"}, **common},
        ),
    ]
    as_object = body | {"linked_contact": {"channel": "web", "account": "shop", "uid": "c:1"}}
    assert contents(stated("unbind", as_object)) == contents(stated("unbind", body))


def test_a_command_with_a_key_is_the_same_when_it_comes_again() -> None:
    body = {"add": ["a", "b"]}
    ids = [[event.event_id for event in stated("tags", body, *more)] for more in (("k",), ("k", NOW + 9), (None,))]
    assert ids[0] == ids[1]
    assert not set(ids[0]) & set(ids[2])
    again, another = stated("tags", body), stated("tags", body, None, NOW + 1)
    assert {event.event_id for event in again} == set(ids[2])
    assert not {event.event_id for event in another} & set(ids[2])
    other = validate_command(
        "tags", CONTACT | {"uid": "U2"}, orjson.dumps(body), RequestContext("acme", NOW, may_set_tenant=False), "k"
    )
    assert isinstance(other, AcceptedItem)
    assert not {event.event_id for event in other.events} & set(ids[0])


@pytest.mark.parametrize(
    ("command", "body", "reason", "field"),
    [
        ("unsubscribe", b"{", "not_json", ""),
        ("unsubscribe", [], "not_an_object", ""),
        ("unsubscribe", {"kind": ["broadcast"]}, "unknown_field", "kind"),
        ("unsubscribe", {"kinds": []}, "invalid_field", "kinds"),
        ("unsubscribe", {"kinds": ["sms"]}, "invalid_field", "kinds[0]"),
        ("resubscribe", {"kinds": "broadcast"}, "invalid_field", "kinds"),
        ("tags", {}, "nothing_said", ""),
        ("tags", {"add": []}, "nothing_said", ""),
        ("tags", {"add": [None]}, "invalid_field", "add[0]"),
        ("tags", {"remove": "VIP"}, "invalid_field", "remove"),
        ("attributes", {"set": ["a"]}, "invalid_field", "set"),
        ("attributes", {"unset": {"a": 1}}, "invalid_field", "unset"),
        ("attributes", {"unset": [1]}, "invalid_field", "unset[0]"),
        ("attributes", {"set": {"a b": 1}}, "invalid_field", "set.a b"),
        ("attributes", b"", "nothing_said", ""),
        ("unbind", {"identifiers": [PHONE]}, "invalid_field", "by"),
        ("unbind", {"by": "amy"}, "nothing_said", ""),
        ("unbind", {"by": "amy", "identifiers": ["x"]}, "invalid_field", "identifiers[0]"),
        ("unbind", {"by": "amy", "linked_contact": "M7"}, "invalid_contact", "linked_contact"),
        ("unbind", {"by": "amy", "linked_contact": {"channel": "fax"}}, "invalid_field", "linked_contact.channel"),
    ],
)
def test_what_is_no_command_says_where(command: Command, body: Any, reason: str, field: str) -> None:
    outcome = validated(command, body)
    assert isinstance(outcome, Rejected), outcome
    assert (outcome.reason, outcome.field) == (reason, field)


fields = st.sampled_from(
    ["kinds", "by", "note", "add", "remove", "source", "set", "unset", "identifiers", "linked_contact", "x"]
)


@given(
    st.sampled_from(COMMANDS),
    st.binary(max_size=30) | (odd_json | st.dictionaries(fields, odd_json)).map(lambda body: json.dumps(body).encode()),
)
def test_no_body_raises_and_what_is_accepted_the_log_can_hold(command: Command, raw: bytes) -> None:
    outcome = validated(command, raw)
    if isinstance(outcome, Rejected):
        orjson.dumps([outcome.detail, outcome.field])
    else:
        assert [codec.decode(part.raw) for part in outcome.parts] == [part.event for part in outcome.parts]
