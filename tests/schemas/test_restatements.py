"""What the agent of the contacts tells identity of its own: the bytes are kept in a topic for ever."""

import json

from schemas.codec import decode, encode
from schemas.events import ContactRef
from schemas.events.base import Identifier
from schemas.restatements import RESTATED, Restatement, restated_in, restating
from tests.support.identity_events import T0, event

CRM = ContactRef(channel="crm", account="erp", uid="1")
SAID = restating("demo", CRM, ("member_id", "M1"), (T0, "crm:9"))


def test_a_restatement_is_on_the_wire_as_it_was_first_written() -> None:
    assert json.loads(encode(SAID)) == {
        "event_id": "vouched:cf3fe8d1f701bb8571644b13f09e74f13202def9f5937e9277f0a743671e0bb3",
        "tenant": "demo",
        "contact": {"channel": "crm", "account": "erp", "uid": "1"},
        "type": "identity.vouched",
        "occurred_at": T0,
        "received_at": T0,
        "source": "contacts",
        "schema_version": 1,
        "intrinsic": [],
        "data": {"identifiers": [{"type": "member_id", "value": "M1"}], "event_id": "crm:9"},
    }


def test_a_restatement_is_read_back_from_its_bytes() -> None:
    identifiers = [Identifier(type="member_id", value="M1")]
    assert restated_in(decode(encode(SAID))) == Restatement(identifiers=identifiers, event_id="crm:9")


def test_restatements_of_different_things_have_different_ids() -> None:
    other = CRM.model_copy(update={"uid": "2"})
    ids = {
        restating("demo", contact, ("member_id", value), stamp).event_id
        for contact in (CRM, other)
        for value in ("M1", "M2")
        for stamp in ((T0, "crm:9"), (T0 + 1, "crm:9"), (T0, "crm:8"))
    }
    assert len(ids) == 12
    assert restating("demo", CRM, ("member_id", "M1"), (T0, "crm:9")) == SAID


def test_an_event_that_vouches_for_something_itself_restates_nothing() -> None:
    data = {"identifiers": [{"type": "member_id", "value": "M1"}], "event_id": "crm:9"}
    assert restated_in(event("crm:erp:1", RESTATED, data, intrinsic=[{"type": "phone", "value": "1"}])) is None
    assert restated_in(event("crm:erp:1", "identity.restated", data)) is None
    assert restated_in(event("crm:erp:1", RESTATED, {"identifiers": [{"type": "member_id"}]})) is None
