"""The evidence topic must hold everything that the channel events say about identity."""

import pytest

from projections.engine.metadata import Rows
from projections.intrinsics.folds import rows_of
from schemas.events import Event
from schemas.restatements import RESTATED
from services.verify.check_evidence import compare_evidence
from tests.support.contacts_agent import ContactsAgent, contact_events
from tests.support.identity_events import bound, decided, seen, unbound

WHATSAPP, WEB = "whatsapp:n1:886911111111", "web:shop:c1"
LOG = [
    bound(WEB, member_id="M7", at=1),
    seen(WHATSAPP, phone="+886911111111", at=2),
    unbound(WEB, member_id="M7", at=3),
    decided(WEB, WHATSAPP, "same", at=4),
    seen(WHATSAPP, phone="+886911111111", at=5),
]


def difference(evidence: list[Event]) -> str | None:
    return compare_evidence(
        contact_events(LOG), dict(rows_of(contact_events(LOG))), contact_events(evidence)
    ).difference


def test_a_topic_with_all_evidence_and_more_has_no_difference() -> None:
    more = [*LOG[:4], bound(WEB, member_id="M8", at=9), seen(WHATSAPP, phone="+886911111111", at=0)]
    assert difference(more) is None


@pytest.mark.parametrize("lost", range(4))
def test_missing_evidence_is_found_and_named_without_its_values(lost: int) -> None:
    found = difference([*LOG[:lost], *LOG[lost + 1 :]])
    assert found is not None
    assert "M7" not in found
    assert "8869" not in found


def test_a_later_sighting_of_a_known_intrinsic_identifier_may_be_missing() -> None:
    assert difference(LOG[:4]) is None


def test_of_several_identifiers_the_last_sighting_of_each_must_be_there() -> None:
    log = [*LOG, seen(WHATSAPP, phone="+886922222222", at=4)]
    evidence = ContactsAgent().send(log)
    rows: Rows = dict(rows_of(contact_events(log)))
    assert [one.type for one in evidence[-2:]] == [RESTATED, RESTATED]
    for lost in evidence:
        without = contact_events(one for one in evidence if one is not lost)
        assert compare_evidence(contact_events(log), rows, without).difference is not None
    assert compare_evidence(contact_events(log), rows, contact_events(evidence)).difference is None
