"""The evidence topic must hold everything that the channel events say about identity."""

import pytest

from projections.intrinsics.folds import rows_of
from schemas.events import Event
from services.verify.check_evidence import compare_evidence, is_ahead
from tests.support.contacts_agent import contact_events, sent
from tests.support.identity_events import bound, decided, erased, event, merged, seen, unbound

WHATSAPP, BROWSER = "whatsapp:n1:886911111111", "web:shop:c1"
PHONE = "+886911111111"
EVIDENCE = [
    bound(BROWSER, member_id="M7", at=1),
    seen(WHATSAPP, phone=PHONE, at=2),
    unbound(BROWSER, member_id="M7", at=3),
    decided(BROWSER, WHATSAPP, "same", at=4),
    merged("M7", "M8", at=4),
    erased("web:shop:c2", at=4),
    seen(BROWSER, member_id="M7", at=5),
    seen(BROWSER, member_id="M7", at=6),
]
LOG = [*EVIDENCE, seen(WHATSAPP, phone=PHONE, at=5)]


def difference(log: list[Event], evidence: list[Event]) -> str | None:
    counting = contact_events(log)
    return compare_evidence(counting, dict(rows_of(counting, {})), contact_events(evidence)).difference


def test_a_topic_with_all_evidence_and_more_has_no_difference() -> None:
    more = [*EVIDENCE, bound(BROWSER, member_id="M8", at=9), seen(WHATSAPP, phone=PHONE, at=0)]
    assert difference(LOG, more) is None


def test_what_the_contacts_agent_sends_suffices() -> None:
    (evidence,) = sent([LOG])
    assert {one.event_id for one in evidence} == {one.event_id for one in EVIDENCE}
    assert difference(LOG, evidence) is None


@pytest.mark.parametrize("lost", range(len(EVIDENCE)))
def test_missing_evidence_is_found_and_named_without_its_values(lost: int) -> None:
    found = difference(LOG, [*EVIDENCE[:lost], *EVIDENCE[lost + 1 :]])
    assert found is not None
    assert "M7" not in found
    assert "8869" not in found


def test_a_copy_that_does_not_count_in_place_of_the_one_that_does_is_found() -> None:
    loud = bound(BROWSER, member_id="M7", at=5, event_id="copied")
    silent = event(BROWSER, "contact.followed", {}, at=1, event_id="copied")
    assert difference([silent], [loud]) is not None
    assert difference([silent], [loud, silent]) is None
    assert difference([silent], []) is None


def test_evidence_of_events_that_are_not_in_the_log_is_ahead() -> None:
    assert not is_ahead(contact_events(LOG), contact_events(EVIDENCE))
    assert is_ahead(contact_events(LOG[1:]), contact_events(EVIDENCE))
